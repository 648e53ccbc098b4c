package ews_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kalends/provider/ews"
)

// Both requests are valid by the vendor's schemas, whatever the address holds.
func TestAutodiscoverRequestsAreValid(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(schemas(t), "ews-schema", "autodiscover")
	inXML, bodies := map[string]string{}, map[string]string{}
	for name, email := range map[string]string{"plain": "test@" + domain, "odd": "o'neil&<b>\"\x07@" + domain} {
		pox, soap := ews.AutodiscoverRequests("https://autodiscover."+domain+"/autodiscover/autodiscover.svc?a=1&b=2", email)
		inXML[name] = pox
		bodies[name] = partOf(t, soap, "a:GetUserSettingsRequestMessage")
		bodies["version of "+name] = partOf(t, soap, "a:RequestedServerVersion")
	}
	validate(t, filepath.Join(dir, "autodiscover-pox-request.xsd"), inXML)
	validate(t, filepath.Join(dir, "autodiscover-messages.xsd"), bodies)
}

// partOf cuts one element out of an envelope and gives it its namespace.
func partOf(t *testing.T, envelope, name string) string {
	t.Helper()
	start, end := strings.Index(envelope, "<"+name+">"), strings.Index(envelope, "</"+name+">")
	if start < 0 || end < 0 {
		t.Fatalf("no %s in %s", name, envelope)
	}
	const space = ` xmlns:a="http://schemas.microsoft.com/exchange/2010/Autodiscover"`
	return strings.Replace(envelope[start:end]+"</"+name+">", "<"+name, "<"+name+space, 1)
}

const soapStart = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><GetUserSettingsResponseMessage xmlns="http://schemas.microsoft.com/exchange/2010/Autodiscover"><Response>`

const soapEnd = `</Response></GetUserSettingsResponseMessage></s:Body></s:Envelope>`

// Shapes after the documentation and after recordings of others.
var answers = map[string]struct {
	method, text string
	want         ews.Discovered
}{
	"2010: only ASUrl, EXPR before EXCH": {
		"pox", `<Autodiscover><Response><User/><Account><Action>settings</Action><Protocol><Type>EXCH</Type><ASUrl>https://a/1</ASUrl></Protocol>` +
			`<Protocol><Type>EXPR</Type><ASUrl>https://a/2</ASUrl></Protocol></Account></Response></Autodiscover>`,
		ews.Discovered{URLs: []string{"https://a/2", "https://a/1"}},
	},
	"2013: EwsUrl before ASUrl, partner and EMWS left out": {
		"pox", `<Autodiscover><Response><Account><Action>settings</Action><Protocol><Type>EXPR</Type><ASUrl>https://a/as</ASUrl><EwsUrl> https://a/ews </EwsUrl>` +
			`<EmwsUrl>https://a/emws</EmwsUrl><EwsPartnerUrl>https://a/partner</EwsPartnerUrl></Protocol></Account></Response></Autodiscover>`,
		ews.Discovered{URLs: []string{"https://a/ews", "https://a/as"}},
	},
	"WEB, outside before inside": {
		"pox", `<Autodiscover><Response><Account><Action>settings</Action><Protocol><Type>WEB</Type><Internal><Protocol><Type>EXCH</Type><ASUrl>https://a/in</ASUrl></Protocol></Internal>` +
			`<External><Protocol><Type>EXPR</Type><ASUrl>https://a/out</ASUrl></Protocol></External></Protocol></Account></Response></Autodiscover>`,
		ews.Discovered{URLs: []string{"https://a/out", "https://a/in"}},
	},
	"redirectUrl":            {"pox", `<Autodiscover><Response><Account><Action>redirectUrl</Action><RedirectUrl>https://b/</RedirectUrl></Account></Response></Autodiscover>`, ews.Discovered{RedirectURL: "https://b/"}},
	"RedirectAddr":           {"pox", `<Autodiscover><Response><Account><Action>RedirectAddr</Action><RedirectAddr>a@b</RedirectAddr></Account></Response></Autodiscover>`, ews.Discovered{RedirectAddress: "a@b"}},
	"a redirect to nowhere":  {"pox", `<Autodiscover><Response><Account><Action>redirectUrl</Action></Account></Response></Autodiscover>`, ews.Discovered{Code: "redirect"}},
	"an error":               {"pox", `<Autodiscover><Response><Error Time="1" Id="2"><ErrorCode>500</ErrorCode><Message>x</Message></Error></Response></Autodiscover>`, ews.Discovered{Code: "500"}},
	"SOAP: the whole failed": {"soap", soapStart + `<ErrorCode>InvalidRequest</ErrorCode>` + soapEnd, ews.Discovered{Code: "InvalidRequest"}},
	"SOAP: the user failed":  {"soap", soapStart + `<ErrorCode>NoError</ErrorCode><UserResponses><UserResponse><ErrorCode>InvalidUser</ErrorCode></UserResponse></UserResponses>` + soapEnd, ews.Discovered{Code: "InvalidUser"}},
	"SOAP: a setting failed": {
		"soap", soapStart + `<ErrorCode>NoError</ErrorCode><UserResponses><UserResponse><ErrorCode>NoError</ErrorCode><UserSettingErrors><UserSettingError><ErrorCode>SettingIsNotAvailable</ErrorCode>` +
			`<SettingName>ExternalEwsUrl</SettingName></UserSettingError></UserSettingErrors><UserSettings><UserSetting><Name>InternalEwsUrl</Name><Value>https://a/in</Value></UserSetting></UserSettings></UserResponse></UserResponses>` + soapEnd,
		ews.Discovered{URLs: []string{"https://a/in"}},
	},
	"SOAP: redirect": {"soap", soapStart + `<UserResponses><UserResponse><ErrorCode>RedirectAddress</ErrorCode><RedirectTarget>a@b</RedirectTarget></UserResponse></UserResponses>` + soapEnd, ews.Discovered{RedirectAddress: "a@b"}},
	"version 2":      {"json", "\ufeff" + `{"Protocol":"Ews","Url":"https://a/ews"}`, ews.Discovered{URLs: []string{"https://a/ews"}}},
	"version 2: not": {"json", `{"ErrorCode":"ProtocolNotSupported","ErrorMessage":"The given protocol value 'EWS' is invalid."}`, ews.Discovered{Code: "ProtocolNotSupported"}},
	"a long code":    {"json", `{"ErrorCode":"` + strings.Repeat("x", 61) + `"}`, ews.Discovered{Code: "61 characters"}},
}

func TestAutodiscoverAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range answers {
		got, err := ews.ReadAutodiscover(c.method, c.text)
		if err != nil || !slices.Equal(got.URLs, c.want.URLs) || got.RedirectURL != c.want.RedirectURL || got.RedirectAddress != c.want.RedirectAddress || got.Code != c.want.Code {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, c.want)
		}
	}
}

func TestErrNoAutodiscoverAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string][2]string{
		"HTML as XML":       {"pox", html},
		"another document":  {"pox", `<Account><Action>settings</Action></Account>`},
		"EWS for SOAP":      {"soap", soap(`<m:GetFolderResponse/>`)},
		"XML for SOAP":      {"soap", `<Autodiscover/>`},
		"nothing":           {"soap", ""},
		"HTML as JSON":      {"json", html},
		"another protocol":  {"json", `{"Protocol":"ActiveSync","Url":"https://a/"}`},
		"a list":            {"json", `[]`},
		"an XML bomb":       {"pox", bomb},
		"half an answer":    {"pox", `<Autodiscover><Response>`},
		"half an answer v2": {"json", `{"Protocol":"EWS","Url":"https://a/`},
	} {
		if got, err := ews.ReadAutodiscover(c[0], c[1]); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// FuzzAutodiscover is seeded with the answers above and with all recordings.
func FuzzAutodiscover(f *testing.F) {
	for _, c := range answers {
		f.Add(c.method, c.text)
	}
	for _, file := range recordings(os.Getenv("KALENDS_SCHEMAS")) {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, method := range []string{"pox", "soap", "json"} {
			f.Add(method, string(text))
		}
	}
	f.Fuzz(func(t *testing.T, method, text string) {
		got, err := ews.ReadAutodiscover(method, text)
		if err != nil && (got.URLs != nil || got.RedirectURL+got.RedirectAddress+got.Code != "") {
			t.Errorf("%+v and %v", got, err)
		}
		for i, url := range got.URLs {
			if url == "" || slices.Contains(got.URLs[:i], url) {
				t.Errorf("addresses %q", got.URLs)
			}
		}
		if len(got.Code) > 60 || got.Code != "" && (len(got.URLs) > 0 || got.RedirectURL != "") {
			t.Errorf("%+v", got)
		}
	})
}

func recordings(dir string) []string {
	if dir == "" {
		return nil
	}
	files, _ := filepath.Glob(filepath.Join(dir, "ews-fixtures", "*", "*.xml"))
	return files
}
