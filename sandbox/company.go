package sandbox

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// Company is who and what there is, as in the file of Config.CompanyFile.
type Company struct {
	Name       string      `json:"name"`
	Domain     string      `json:"domain"`
	Zone       string      `json:"zone"` // IANA
	Recipients []Recipient `json:"recipients"`
	Planted    []Planted   `json:"planted,omitempty"`
}

// Kind says what stands behind an address.
type Kind string

// The kinds of recipient.
const (
	Person    Kind = "person"
	Room      Kind = "room"
	Group     Kind = "group"     // a distribution group
	RoomList  Kind = "room_list" // a distribution group of rooms
	NoMailbox Kind = "no_mailbox"
	Elsewhere Kind = "elsewhere" // a mail user whose mailbox lives in the cloud
	Service   Kind = "service"
)

// Recipient is one entry of the company's directory.
type Recipient struct {
	Name       string   `json:"name"`
	Email      string   `json:"email"`
	Aliases    []string `json:"aliases,omitempty"`
	Kind       Kind     `json:"kind"`
	Department string   `json:"department,omitempty"`
	Role       string   `json:"role,omitempty"` // administrator, recruiter
	Capacity   int      `json:"capacity,omitempty"`
	Building   string   `json:"building,omitempty"`
	Floor      string   `json:"floor,omitempty"`
	Members    []string `json:"members,omitempty"`
	OutOfScope bool     `json:"out_of_scope,omitempty"` // the service account may not act for it
	Disabled   bool     `json:"disabled,omitempty"`
	UPN        string   `json:"upn,omitempty"`    // user principal name; "" = the address
	Site       string   `json:"site,omitempty"`   // the host label of the mailbox's own server, such as "mail2"
	Server     string   `json:"server,omitempty"` // version of the mailbox's own server, where it is older
	Moving     bool     `json:"moving,omitempty"` // the mailbox is on its way to another server
	Moves      int      `json:"moves,omitempty"`  // how often it was moved: ids of before are void
	Planted    bool     `json:"planted,omitempty"`
	serial     int      // tells a mailbox from an earlier one with the same address
}

// key names the mailbox; unlike the address it never changes.
func (r *Recipient) key() uint64 { return hash("mailbox " + strconv.Itoa(r.serial)) }

// GUID is the mailbox's immutable id in the directory.
func (r *Recipient) GUID() string {
	k := r.key()
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", uint32(k), uint16(k>>32), k>>48&0xfff, k&0xfff, k>>16)
}

// SID is the account's security identifier.
func (r *Recipient) SID() string {
	k := r.key()
	return fmt.Sprintf("S-1-5-21-%d-%d-%d-%d", uint32(hash(r.Email[strings.LastIndexByte(r.Email, '@')+1:])), uint32(k>>32), uint32(k), 1000+r.serial)
}

// PrincipalName is the name the account signs in with.
func (r *Recipient) PrincipalName() string {
	if r.UPN != "" {
		return r.UPN
	}
	return r.Email
}

// HasMailbox tells whether there is a mailbox here.
func (r *Recipient) HasMailbox() bool {
	return !r.Disabled && (r.Kind == Person || r.Kind == Room || r.Kind == Service)
}

func (c Company) checked() (Company, error) {
	if c.Domain == "" || len(c.Recipients) == 0 {
		return c, errors.New("the company needs a domain and recipients")
	}
	if c.Zone == "" {
		c.Zone = "Europe/Berlin"
	}
	seen := map[string]bool{}
	for i := range c.Recipients {
		r := &c.Recipients[i]
		if r.Kind == "" {
			r.Kind = Person
		}
		for _, address := range append([]string{r.Email}, r.Aliases...) {
			if key := strings.ToLower(address); seen[key] || !strings.Contains(key, "@") {
				return c, fmt.Errorf("address %q is missing or stands twice", address)
			} else {
				seen[key] = true
			}
		}
	}
	return c, nil
}

// Musterwerk invents the company: people and six rooms, and, if planted, one
// person for each cause that a person on Exchange can have.
func Musterwerk(seed int64, people int, planted bool) Company {
	c := Company{Name: "Musterwerk", Domain: "musterwerk.example", Zone: "Europe/Berlin"}
	c.addPeople(rand.New(rand.NewPCG(uint64(seed), 1)), people)
	c.addRooms()
	c.add(Recipient{Name: "Kalends Service", Email: c.at("svc-kalends"), Kind: Service})
	if planted {
		c.plant()
	}
	return c
}

func (c *Company) at(local string) string { return local + "@" + c.Domain }

func (c *Company) add(r Recipient) { c.Recipients = append(c.Recipients, r) }

func (c *Company) addPeople(random *rand.Rand, people int) {
	used := map[string]bool{}
	for i := range people {
		first, last := pick(random, firstNames), pick(random, lastNames)
		local := plain(first) + "." + plain(last)
		for n := 2; used[local]; n++ {
			local = fmt.Sprintf("%s.%s%d", plain(first), plain(last), n)
		}
		used[local] = true
		r := Recipient{Name: first + " " + last, Email: c.at(local), Kind: Person, Department: departments[i%len(departments)]}
		switch {
		case i == 0:
			r.Role, r.Department = "administrator", "IT"
			r.Email, r.Aliases = c.at("admin"), []string{c.at(local)}
		case i == 1:
			r.Role, r.Department = "recruiter", "Personal"
		case i%4 == 2:
			r.Aliases = []string{c.at(string(plain(first)[0]) + "." + local[strings.IndexByte(local, '.')+1:] + fmt.Sprint(i))}
		}
		c.add(r)
	}
}

func (c *Company) addRooms() {
	rooms := []Recipient{
		{Name: "Raum Alster", Capacity: 4, Building: "Haupthaus", Floor: "1"},
		{Name: "Raum Elbe", Capacity: 8, Building: "Haupthaus", Floor: "1"},
		{Name: "Raum Isar", Capacity: 12, Building: "Haupthaus", Floor: "2"},
		{Name: "Raum Spree", Capacity: 6, Building: "Haupthaus", Floor: "3"},
		{Name: "Raum Neckar", Capacity: 20, Building: "Werk 2", Floor: "EG"},
		{Name: "Raum Donau", Capacity: 2, Building: "Werk 2", Floor: "1"},
	}
	lists := map[string]*Recipient{
		"Haupthaus": {Name: "Räume Haupthaus", Email: c.at("raeume-haupthaus"), Kind: RoomList},
		"Werk 2":    {Name: "Räume Werk 2", Email: c.at("raeume-werk2"), Kind: RoomList},
	}
	for _, room := range rooms {
		room.Kind, room.Email = Room, c.at(strings.ReplaceAll(plain(room.Name), " ", "-"))
		lists[room.Building].Members = append(lists[room.Building].Members, room.Email)
		c.add(room)
	}
	c.add(*lists["Haupthaus"])
	c.add(*lists["Werk 2"])
}

// plant adds the problem cases; nobody of the people above has one.
func (c *Company) plant() {
	c.add(Recipient{Name: "Maximilian Hofer", Email: c.at("maximilian.hofer"), Aliases: []string{c.at("max.hofer")}, Kind: Person, Department: "Vertrieb", Planted: true})
	c.add(Recipient{Name: "Team Vertrieb", Email: c.at("team-vertrieb"), Kind: Group, Members: []string{c.at("maximilian.hofer")}, Planted: true})
	c.add(Recipient{Name: "Lena Frischmuth", Email: c.at("lena.frischmuth"), Kind: NoMailbox, Planted: true})
	c.add(Recipient{Name: "Oskar Wolkenstein", Email: c.at("oskar.wolkenstein"), Aliases: []string{"oskar.wolkenstein@musterwerk.mail.onmicrosoft.com"}, Kind: Elsewhere, Planted: true})
	c.add(Recipient{Name: "Vera Vorstand", Email: c.at("vera.vorstand"), Kind: Person, OutOfScope: true, Planted: true})
	c.add(Recipient{Name: "Empfang", Email: c.at("empfang"), Kind: Person, Planted: true})
	c.Planted = []Planted{
		person(c.at("klaus.altmann"), "account_not_found", "Klaus Altmann"),
		person(c.at("max.hofer"), "address_is_alias", "Maximilian Hofer"),
		person(c.at("team-vertrieb"), "not_a_person", "Team Vertrieb"),
		person(c.at("lena.frischmuth"), "no_mailbox", "Lena Frischmuth"),
		person(c.at("oskar.wolkenstein"), "mailbox_elsewhere", "Oskar Wolkenstein"),
		person(c.at("vera.vorstand"), "not_permitted", "Vera Vorstand"),
		{Email: c.at("empfang"), Provider: "exchange", Cause: "address_not_unique", Scope: "application", Names: []string{"Sabine Krüger", "Jonas Peters"}},
		whole("impersonation_missing", "no_impersonation"),
		whole("credentials_expired", "expired_secret"),
		whole("authentication_method", "kerberos_only"),
		whole("server_not_found", "not_found"),
		whole("throttled", "server_busy"),
		whole("tls", "bad_certificate"),
	}
}

func person(email, cause, name string) Planted {
	return Planted{Email: email, Provider: "exchange", Cause: cause, Scope: "person", Name: name}
}

func whole(cause, fault string) Planted {
	return Planted{Provider: "exchange", Cause: cause, Scope: "connection", Fault: &Fault{Provider: "exchange", Kind: fault}}
}

func pick(random *rand.Rand, from []string) string { return from[random.IntN(len(from))] }

// plain writes a name as it stands in an address.
func plain(name string) string {
	return strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss", "é", "e", "è", "e", "ç", "c", "ğ", "g",
		"ı", "i", "ł", "l", "ş", "s", "š", "s", "ć", "c", "ñ", "n", "ó", "o", "á", "a").Replace(strings.ToLower(name))
}

var departments = []string{"Entwicklung", "Vertrieb", "Personal", "Produktion", "Einkauf", "Finanzen", "Marketing", "IT"}

var firstNames = strings.Fields(`Anna Ben Clara David Elif Felix Greta Hassan Ida Jan Katharina Lukas Mia Noah Olga Paul Rosa Samuel
Theresa Umut Valentina Wolfgang Yasmin Zoran Amélie Björn Chiara Dilara Emil Frieda Giovanni Hannah Ivana Jürgen Kofi Leyla Matteo
Nadja Oliver Petra Quentin Renate Sebastian Tanja Uwe Vera Wiebke Xenia Aylin Bogdan Carlos Dorothea Erik Fatima Günter Helena Isabel
Jonas Kerstin Linh Marek Nils Orhan Priya Ralf Sofia Thilo Ursula Viktor Wanda`)

var lastNames = strings.Fields(`Schneider Yılmaz Fischer Kowalski Weber Nguyen Becker Rossi Hoffmann Novak Schäfer Öztürk Koch Popović
Bauer García Richter Klein Ivanova Wolf Demir Schröder Neumann Santos Schwarz Petrov Zimmermann Braun Dubois Krüger Hartmann Mensah
Lange Werner Krause Lehmann Haddad Köhler Maier Jansen Huber Fuchs Peters Lang Scholz Möller Weiß Jung Hahn Keller Vogel Friedrich
Günther Berger Winkler Roth Beck Lorenz Baumann Franke Albrecht Schuster Simon Ludwig Böhm Winter Kraus Martin Schumacher Sharma Brandt`)
