package ewsfake_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kalends/sandbox"
	"kalends/sandbox/ewsfake"
)

const discoverPath = "/autodiscover/autodiscover.svc"

// discover asks for settings of users in SOAP.
func (c *client) discover(action, version string, settings string, users ...string) (int, string) {
	c.t.Helper()
	list := ""
	for _, user := range users {
		list += "<a:User><a:Mailbox>" + user + "</a:Mailbox></a:User>"
	}
	return c.post(discoverPath, `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:a="http://schemas.microsoft.com/exchange/2010/Autodiscover" xmlns:w="http://www.w3.org/2005/08/addressing"><s:Header>`+
		version+`<w:Action>`+action+`</w:Action></s:Header><s:Body><a:GetUserSettingsRequestMessage><a:Request><a:Users>`+list+`</a:Users><a:RequestedSettings>`+settings+
		`</a:RequestedSettings></a:Request></a:GetUserSettingsRequestMessage></s:Body></s:Envelope>`)
}

const (
	getUserSettings = "http://schemas.microsoft.com/exchange/2010/Autodiscover/Autodiscover/GetUserSettings"
	requested       = "<a:RequestedServerVersion>Exchange2010</a:RequestedServerVersion>"
	external        = "<a:Setting>ExternalEwsUrl</a:Setting>"
)

func TestDiscoverInSOAP(t *testing.T) {
	t.Parallel()
	c := newClient(t, start(t, sandbox.Config{}))
	for name, ask := range map[string]struct {
		action, version, settings string
		users                     []string
		status                    int
		want                      string
	}{
		"settings":          {getUserSettings, requested, external, []string{"admin@musterwerk.example"}, 200, `<Name>ExternalEwsUrl</Name><Value>https://mail.musterwerk.example/EWS/Exchange.asmx</Value>`},
		"who somebody is":   {getUserSettings, requested, "<a:Setting>UserDN</a:Setting><a:Setting>MailboxDN</a:Setting>", []string{"admin@musterwerk.example"}, 200, `<UserSettingErrors></UserSettingErrors><UserSettings><UserSetting i:type="StringSetting"><Name>UserDN</Name><Value>/o=`},
		"an unknown one":    {getUserSettings, requested, external + "<a:Setting>Colour</a:Setting>", []string{"admin@musterwerk.example"}, 200, `<ErrorCode>InvalidSetting</ErrorCode>`},
		"nobody":            {getUserSettings, requested, external, []string{"niemand@musterwerk.example"}, 200, `<ErrorCode>InvalidUser</ErrorCode>`},
		"somebody who left": {getUserSettings, requested, external, []string{"oskar.wolkenstein@musterwerk.example"}, 200, `<RedirectTarget>oskar.wolkenstein@musterwerk.mail.onmicrosoft.com</RedirectTarget>`},
		"two":               {getUserSettings, requested, external, []string{"admin@musterwerk.example", "niemand@musterwerk.example"}, 200, `</UserSettings></UserResponse><UserResponse><ErrorCode>InvalidUser</ErrorCode>`},
		"no version":        {getUserSettings, "", external, []string{"admin@musterwerk.example"}, 200, `<ErrorCode>InvalidRequest</ErrorCode>`},
		"no users":          {getUserSettings, requested, external, nil, 200, `<ErrorCode>InvalidRequest</ErrorCode>`},
		"another action":    {"urn:other", requested, external, []string{"admin@musterwerk.example"}, 500, `ActionNotSupported`},
	} {
		if status, text := c.discover(ask.action, ask.version, ask.settings, ask.users...); status != ask.status || !strings.Contains(text, ask.want) {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	c.checkDiscovered()
}

var discovered = regexp.MustCompile(`(?s)<GetUserSettingsResponseMessage.*</GetUserSettingsResponseMessage>`)

// checkDiscovered has the vendor's schema judge the answers so far.
func (c *client) checkDiscovered() {
	c.t.Helper()
	dir := os.Getenv("KALENDS_SCHEMAS")
	if dir == "" {
		c.t.Skip("KALENDS_SCHEMAS is not set: answers are not checked")
	}
	var texts []string
	for _, answer := range c.answers {
		if body := discovered.FindString(answer); body != "" {
			texts = append(texts, body)
		}
	}
	if len(texts) < 7 {
		c.t.Errorf("%d answers to check", len(texts))
	}
	if bad := invalid(c.t, filepath.Join(dir, "ews-schema", "autodiscover", "autodiscover-messages.xsd"), texts); len(bad) > 0 {
		c.t.Errorf("against the schema: %v", bad)
	}
}

// browse asks without signing in.
func (c *client) browse(path string) (*http.Response, string) {
	c.t.Helper()
	request, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, "https://"+c.server.Resolve()["autodiscover.musterwerk.example:443"]+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	response, err := c.http.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return response, string(text)
}

func TestDiscoverVersion2(t *testing.T) {
	t.Parallel()
	c := newClient(t, startWith(t, sandbox.Config{}, ewsfake.Options{Version: "Exchange2016"}))
	const path = "/autodiscover/autodiscover.json"
	for name, ask := range map[string]struct {
		path   string
		status int
		want   map[string]string
	}{
		"in the path":     {path + "/v1.0/admin@musterwerk.example?Protocol=EWS", 200, map[string]string{"Protocol": "EWS", "Url": "https://mail.musterwerk.example/EWS/Exchange.asmx"}},
		"in the query":    {path + "?Email=admin@musterwerk.example&Protocol=Ews", 200, map[string]string{"Protocol": "Ews", "Url": "https://mail.musterwerk.example/EWS/Exchange.asmx"}},
		"in the cloud":    {path + "/v1.0/oskar.wolkenstein@musterwerk.example?Protocol=EWS", 200, map[string]string{"Protocol": "EWS", "Url": "https://outlook.office365.com/EWS/Exchange.asmx"}},
		"no protocol":     {path + "/v1.0/admin@musterwerk.example", 400, nil},
		"another":         {path + "/v1.0/admin@musterwerk.example?Protocol=Gopher", 400, nil},
		"nobody":          {path + "/v1.0/niemand@musterwerk.example?Protocol=EWS", 404, nil},
		"without address": {path + "?Protocol=EWS", 400, nil},
	} {
		response, text := c.browse(ask.path)
		var got map[string]string
		if err := json.Unmarshal([]byte(text), &got); err != nil || response.StatusCode != ask.status {
			t.Errorf("%s: %d %s", name, response.StatusCode, text)
		}
		for key, want := range ask.want {
			if got[key] != want {
				t.Errorf("%s: %s", name, text)
			}
		}
		if ask.want == nil && got["ErrorCode"] == "" {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// Each version has the forms of its time, and says so before anybody signs in.
func TestFormsOfTheVersions(t *testing.T) {
	t.Parallel()
	for version, want := range map[string][]int{
		"Exchange2007_SP1": {401, 404, 404}, "Exchange2010_SP2": {401, 401, 404}, "Exchange2013_SP1": {401, 401, 404}, "ExchangeSE": {401, 401, 200},
	} {
		c := newClient(t, startWith(t, sandbox.Config{People: 3}, ewsfake.Options{Version: version}))
		var got []int
		for _, path := range []string{"/autodiscover/autodiscover.xml", discoverPath, "/autodiscover/autodiscover.json?Email=admin@musterwerk.example&Protocol=EWS"} {
			response, _ := c.browse(path)
			got = append(got, response.StatusCode)
			if soap := response.Header.Get("X-SOAP-Enabled"); response.StatusCode == 401 && (soap == "True") != (version != "Exchange2007_SP1") {
				t.Errorf("%s: X-SOAP-Enabled is %q", version, soap)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s answers %v, want %v", version, got, want)
		}
	}
}

// Before 2013 the server of another site does not know a mailbox; later ones pass
// the request on.
func TestMailboxesOfAnotherSite(t *testing.T) {
	t.Parallel()
	const folder = `<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds><t:DistinguishedFolderId Id="calendar"/></m:FolderIds></m:GetFolder>`
	for version, code := range map[string]string{"Exchange2007_SP1": "ErrorCrossSiteRequest", "Exchange2010_SP2": "ErrorCrossSiteRequest", "Exchange2016": "NoError"} {
		c := newClient(t, startWith(t, sandbox.Config{}, ewsfake.Options{Version: version}))
		if err := c.server.World().Change("admin@musterwerk.example", func(r *sandbox.Recipient) { r.Site = "mail2" }); err != nil {
			t.Fatal(err)
		}
		if _, text := c.ask("Exchange2007_SP1", "admin@musterwerk.example", folder); !strings.Contains(text, code) {
			t.Errorf("%s: %s", version, text)
		}
		_, text := c.post("/autodiscover/autodiscover.xml", `<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request><EMailAddress>admin@musterwerk.example</EMailAddress></Request></Autodiscover>`)
		if !strings.Contains(text, "<ASUrl>https://mail2.musterwerk.example/EWS/Exchange.asmx</ASUrl>") {
			t.Errorf("%s: %s", version, text)
		}
	}
}

// The answer in XML tells the server's version in bits: 4 of the structure, 6
// major, 6 minor, a flag, 15 build. Clients that others wrote read it so.
func TestDiscoveredVersions(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{"Exchange2007_SP1": "720181B4", "Exchange2010_SP2": "73828148", "ExchangeSE": "73C28A02"} {
		c := newClient(t, startWith(t, sandbox.Config{}, ewsfake.Options{Version: version}))
		_, text := c.post("/autodiscover/autodiscover.xml", `<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request><EMailAddress>admin@musterwerk.example</EMailAddress></Request></Autodiscover>`)
		if !strings.Contains(text, "<ServerVersion>"+want+"</ServerVersion>") {
			t.Errorf("%s: no %s in %s", version, want, text)
		}
	}
}
