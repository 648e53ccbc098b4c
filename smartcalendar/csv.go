package smartcalendar

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// Limits of an import.
const (
	importBytes = 2 << 20
	importRows  = 20000
)

// Errors of a whole file.
var (
	errCSVEmpty   = errors.New("smartcalendar: the file has no rows")
	errCSVHeader  = errors.New("smartcalendar: no column with e-mail addresses")
	errCSVTooLong = errors.New("smartcalendar: too many rows")
	errCSVBinary  = errors.New("smartcalendar: not a text file")
)

// csvRow is one line of an import: a person, or what is wrong with the line.
type csvRow struct {
	Line    int    `json:"line"`
	Name    string `json:"name"`
	Email   string `json:"email"`
	Role    string `json:"role"`
	Problem string `json:"problem,omitempty"` // a key of the texts
	Other   string `json:"other,omitempty"`   // who has the address already
}

// columns say where in a line the parts of a person are; -1 is nowhere.
type csvHeader struct{ name, first, last, email, role int }

// headerNames are the names that columns go by, folded.
var headerNames = map[string]string{
	"name": "name", "full name": "name", "fullname": "name", "display name": "name", "displayname": "name",
	"anzeigename": "name", "vollständiger name": "name", "mitarbeiter": "name", "employee": "name",
	"first name": "first", "firstname": "first", "given name": "first", "givenname": "first", "vorname": "first",
	"last name": "last", "lastname": "last", "surname": "last", "family name": "last", "nachname": "last", "familienname": "last",
	"email": "email", "e-mail": "email", "mail": "email", "email address": "email", "e-mail address": "email",
	"e-mail-adresse": "email", "emailadresse": "email", "e-mailadresse": "email", "mailadresse": "email",
	"primarysmtpaddress": "email", "userprincipalname": "email",
	"role": "role", "rolle": "role",
}

// roleNames are the ways to write a role, folded.
var roleNames = map[string]string{
	"": RoleMember, "member": RoleMember, "mitglied": RoleMember, "user": RoleMember, "benutzer": RoleMember,
	"mitarbeiter": RoleMember, "administrator": RoleAdministrator, "admin": RoleAdministrator, "administratorin": RoleAdministrator,
}

// parseCSV reads people from a file that Excel, Exchange or an HR system wrote:
// with commas, semicolons or tabs, in UTF-8 with or without a byte order mark, or
// in Windows-1252. One bad line does not stop the others.
func parseCSV(data []byte) ([]csvRow, error) {
	text, err := decode(data)
	if err != nil {
		return nil, err
	}
	lines, err := readLines(text)
	if err != nil {
		return nil, err
	}
	if len(lines) == 0 {
		return nil, errCSVEmpty
	}
	header, found := readHeader(lines[0].fields)
	if found {
		lines = lines[1:]
	}
	if header.email < 0 {
		return nil, errCSVHeader
	}
	if len(lines) == 0 {
		return nil, errCSVEmpty
	}
	return header.rows(lines), nil
}

func decode(data []byte) (string, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if bytes.IndexByte(data, 0) >= 0 {
		return "", errCSVBinary
	}
	if utf8.Valid(data) {
		return string(data), nil
	}
	text, err := charmap.Windows1252.NewDecoder().Bytes(data)
	if err != nil {
		return "", errCSVBinary
	}
	return string(text), nil
}

type csvLine struct {
	number int
	fields []string
}

func readLines(text string) ([]csvLine, error) {
	reader := csv.NewReader(strings.NewReader(text))
	reader.Comma = separator(text)
	reader.FieldsPerRecord = -1
	reader.LazyQuotes = true
	reader.TrimLeadingSpace = true
	var lines []csvLine
	for {
		fields, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return nil, errCSVBinary
		}
		if strings.TrimSpace(strings.Join(fields, "")) == "" {
			continue
		}
		if len(lines) > importRows {
			return nil, errCSVTooLong
		}
		number, _ := reader.FieldPos(0)
		lines = append(lines, csvLine{number: number, fields: fields})
	}
}

// separator is the one that the first line has most of.
func separator(text string) rune {
	first, _, _ := strings.Cut(strings.TrimLeft(text, "\r\n"), "\n")
	best, most := ',', 0
	for _, r := range []rune{',', ';', '\t'} {
		if n := strings.Count(first, string(r)); n > most {
			best, most = r, n
		}
	}
	return best
}

// readHeader finds the columns. A file without a header has the address in the
// first field with an '@', and the name beside it.
func readHeader(fields []string) (csvHeader, bool) {
	h := csvHeader{-1, -1, -1, -1, -1}
	found := false
	for i, field := range fields {
		place := map[string]*int{"name": &h.name, "first": &h.first, "last": &h.last, "email": &h.email, "role": &h.role}[headerNames[fold(field)]]
		if place != nil && *place < 0 {
			*place, found = i, true
		}
	}
	if found {
		return h, true
	}
	for i, field := range fields {
		if validEmail(strings.TrimSpace(field)) {
			h.email = i
			break
		}
	}
	switch {
	case h.email > 0:
		h.name = h.email - 1
	case h.email == 0 && len(fields) > 1:
		h.name = 1
	}
	return h, false
}

func (h csvHeader) rows(lines []csvLine) []csvRow {
	rows := make([]csvRow, 0, len(lines))
	seen := map[string]string{}
	for _, line := range lines {
		row := h.row(line)
		key := normalise(row.Email)
		if other, twice := seen[key]; twice && row.Problem == "" {
			row.Problem, row.Other = "csv.twice", other
		}
		if row.Problem == "" {
			seen[key] = row.Name
		}
		rows = append(rows, row)
	}
	return rows
}

func (h csvHeader) row(line csvLine) csvRow {
	row := csvRow{Line: line.number, Email: h.field(line, h.email), Name: h.field(line, h.name)}
	if row.Name == "" {
		row.Name = strings.TrimSpace(h.field(line, h.first) + " " + h.field(line, h.last))
	}
	if row.Name == "" {
		row.Name, _, _ = strings.Cut(row.Email, "@")
	}
	role, ok := roleNames[fold(h.field(line, h.role))]
	row.Role = role
	switch {
	case row.Email == "":
		row.Problem = "csv.no_email"
	case !validEmail(row.Email):
		row.Problem = "csv.bad_email"
	case !ok:
		row.Problem = "csv.bad_role"
	case newPerson("", NewPerson{Name: row.Name, Email: row.Email, Role: row.Role}).check() != nil:
		row.Problem = "csv.bad_name"
	}
	return row
}

func (h csvHeader) field(line csvLine, i int) string {
	if i < 0 || i >= len(line.fields) {
		return ""
	}
	return strings.TrimSpace(line.fields[i])
}
