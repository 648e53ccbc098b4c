package smartcalendar_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"kalends/smartcalendar"
	"kalends/ui"
)

// Whatever a file holds: rows that are taken are good, and every row is told.
func FuzzImport(f *testing.F) {
	for _, seed := range []string{
		"", "Name;E-Mail\nAda;ada@musterwerk.example\n", "ada@musterwerk.example", "\xef\xbb\xbfemail\tname\r\na@b.example\tA", "E-Mail\n\"a@b.example\n",
		"Vorname,Nachname,E-Mail\nJ\xfcrgen,Gr\xf6\xdfe,j@b.example", "name;email;role\n=1+1;a@b.example;König", "PK\x03\x04\x00", "E-Mail;E-Mail\na@b.example;c@d.example",
		"E-Mail\n\"\"\"a\"\"@b.example\"", ";;;\n;;;", "\r\n\r\nE-Mail\r\n\r\na@b.example", "email\n" + strings.Repeat("ä", 300) + "@b.example",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, err := smartcalendar.ParseImport(data)
		if err != nil {
			return
		}
		if len(rows) == 0 {
			t.Fatal("neither rows nor a reason")
		}
		emails := map[string]bool{}
		for _, row := range rows {
			if row.Problem != "" {
				continue
			}
			key := strings.ToLower(row.Email)
			if emails[key] || !strings.Contains(row.Email, "@") || strings.TrimSpace(row.Name) == "" || !utf8.ValidString(row.Name+row.Email) ||
				strings.ContainsAny(row.Email+row.Name, "\r\n\x00") || row.Role != smartcalendar.RoleMember && row.Role != smartcalendar.RoleAdministrator {
				t.Fatalf("taken: %+v", row)
			}
			emails[key] = true
		}
	})
}

func FuzzSafeCell(f *testing.F) {
	for _, seed := range []string{"", "=1", " =1", "+", "-", "@", "\t=1", "Ada", "\u00a0=1", "'=1", "\r\n=1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		safe := ui.CSVRow(value)[0]
		if !strings.HasSuffix(safe, value) {
			t.Fatalf("%q became %q", value, safe)
		}
		if start := strings.TrimSpace(safe); start != "" && strings.ContainsRune("=+-@", rune(start[0])) {
			t.Fatalf("%q runs", safe)
		}
	})
}
