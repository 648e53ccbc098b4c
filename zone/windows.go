package zone

import (
	"strings"
	"sync"
)

//go:generate go run kalends/internal/tools/windowszones -out windows_table.go

// world is CLDR's territory for "wherever": the main zone of a Windows name.
const world = "001"

type windowsZone struct {
	windows   string
	territory string
	iana      []string
}

// extra are names that servers send beside CLDR's Windows names.
var extra = map[string]string{
	"z":                          "UTC",
	"utc":                        "UTC",
	"coordinated universal time": "UTC",
	"kamchatka standard time":    "Asia/Kamchatka",
	"mid-atlantic standard time": "Etc/GMT+2",
	"mitteleuropäische zeit":     "Europe/Berlin",
	"w. europe":                  "Europe/Berlin",
	"(utc+01:00) amsterdam, berlin, bern, rome, stockholm, vienna": "Europe/Berlin",
}

// renamed are IANA names younger than the table, with the name they replace.
var renamed = map[string]string{
	"Europe/Kyiv":           "Europe/Kiev",
	"America/Ciudad_Juarez": "America/Denver",
	"America/Nuuk":          "America/Godthab",
	"Pacific/Kanton":        "Pacific/Enderbury",
	"America/Coyhaique":     "America/Punta_Arenas",
}

type names struct {
	fromWindows map[string]string // lower-case Windows name + "/" + territory -> IANA
	toWindows   map[string]string // IANA -> Windows name
}

// table is built once, from constants.
var table = sync.OnceValue(func() names {
	n := names{fromWindows: map[string]string{}, toWindows: map[string]string{}}
	groups := map[string][]string{}
	for _, group := range aliasGroups {
		for _, name := range group {
			groups[name] = group
		}
	}
	for _, z := range windowsZones {
		n.fromWindows[strings.ToLower(z.windows)+"/"+z.territory] = z.iana[0]
		for _, iana := range z.iana {
			n.add(iana, groups[iana], z)
		}
	}
	return n
})

func (n names) add(iana string, group []string, z windowsZone) {
	for _, name := range append([]string{iana}, group...) {
		if _, known := n.toWindows[name]; !known || z.territory == world {
			n.toWindows[name] = z.windows
		}
	}
}

// FromWindows gives the IANA name for a Windows name, in any case. territory is
// an ISO 3166 code to prefer a country's own zone, or "". False for a name that
// is not Windows'.
func FromWindows(name, territory string) (string, bool) {
	key := strings.ToLower(strings.TrimSpace(name))
	if iana, ok := table().fromWindows[key+"/"+strings.ToUpper(territory)]; ok {
		return iana, true
	}
	if iana, ok := table().fromWindows[key+"/"+world]; ok {
		return iana, true
	}
	iana, ok := extra[key]
	return iana, ok
}

// ToWindows gives the Windows name for an IANA name or one of its aliases.
func ToWindows(iana string) (string, bool) {
	if older, ok := renamed[iana]; ok {
		iana = older
	}
	name, ok := table().toWindows[iana]
	return name, ok
}

// WindowsNames lists every Windows name once, in CLDR's order.
func WindowsNames() []string {
	var list []string
	for _, z := range windowsZones {
		if z.territory == world {
			list = append(list, z.windows)
		}
	}
	return list
}
