package ewsfake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"kalends/sandbox"
)

const (
	nsDiscover   = "http://schemas.microsoft.com/exchange/2010/Autodiscover"
	nsAddressing = "http://www.w3.org/2005/08/addressing"
	userSettings = nsDiscover + "/Autodiscover/GetUserSettings"
)

// discoverSOAP is the operation GetUserSettings, [MS-OXWSADISC] section 3.1.4.3.
func (c *call) discoverSOAP(w http.ResponseWriter, body []byte) {
	envelope, err := parseXML(body)
	request := envelope.at("Body", "GetUserSettingsRequestMessage", "Request")
	action := envelope.child("Header").value("Action")
	switch {
	case err != nil || envelope.name != "Envelope" || envelope.space != nsSOAP:
		c.status(w, http.StatusBadRequest)
	case action != userSettings || request == nil || request.space != nsDiscover:
		c.discoverFault(w, "ActionNotSupported", "The message with Action '"+action+"' cannot be processed at the receiver.")
	case !strings.HasPrefix(envelope.child("Header").value("RequestedServerVersion"), "Exchange"): // exchangelib sends versions that no schema has
		c.discovered(w, "InvalidRequest", "The header RequestedServerVersion is missing or invalid.", "")
	default:
		c.discoverUsers(w, request)
	}
}

func (c *call) discoverUsers(w http.ResponseWriter, request *node) {
	var b strings.Builder
	var asked []string
	for _, setting := range request.child("RequestedSettings").children() {
		asked = append(asked, strings.TrimSpace(setting.text))
	}
	users := request.child("Users").children()
	if len(users) == 0 || len(asked) == 0 || len(users) > 100 {
		c.discovered(w, "InvalidRequest", "The request has no users, no settings, or too many users.", "")
		return
	}
	for _, user := range users {
		b.WriteString("<UserResponse>" + c.discoverUser(user.value("Mailbox"), asked) + "</UserResponse>")
	}
	c.discovered(w, "NoError", "", "<UserResponses>"+b.String()+"</UserResponses>")
}

func (c *call) discoverUser(address string, asked []string) string {
	c.log.Mailbox = strings.ToLower(address)
	r, _ := c.world.Recipient(address)
	switch {
	case r == nil || r.Disabled:
		return `<ErrorCode>InvalidUser</ErrorCode><ErrorMessage>Invalid user: '` + escape(address) + `'</ErrorMessage><RedirectTarget i:nil="true"/><UserSettingErrors/><UserSettings/>`
	case r.Kind == sandbox.Elsewhere:
		return `<ErrorCode>RedirectAddress</ErrorCode><ErrorMessage>Redirection address.</ErrorMessage><RedirectTarget>` + escape(r.Aliases[0]) + `</RedirectTarget><UserSettingErrors/><UserSettings/>`
	}
	known := map[string]string{
		"UserDN": legacyName(r), "MailboxDN": legacyName(r), "ExternalEwsUrl": c.ewsURL(r), "InternalEwsUrl": c.ewsURL(r), "UserDisplayName": r.Name, "AutoDiscoverSMTPAddress": r.Email,
		"EwsSupportedSchemas": "Exchange2007, Exchange2007_SP1, Exchange2010", "CasVersion": fmt.Sprintf("%d.%d.%d.%d", c.build.major, c.build.minor, c.build.number, c.build.revision),
	}
	var errors, settings strings.Builder
	for _, name := range asked {
		value, ok := known[name]
		if !ok {
			errors.WriteString(`<UserSettingError><ErrorCode>InvalidSetting</ErrorCode><ErrorMessage>Invalid setting.</ErrorMessage><SettingName>` + escape(name) + `</SettingName></UserSettingError>`)
			continue
		}
		settings.WriteString(`<UserSetting i:type="StringSetting"><Name>` + name + `</Name><Value>` + escape(value) + `</Value></UserSetting>`)
	}
	return `<ErrorCode>NoError</ErrorCode><ErrorMessage>No error.</ErrorMessage><RedirectTarget i:nil="true"/><UserSettingErrors>` + errors.String() +
		`</UserSettingErrors><UserSettings>` + settings.String() + `</UserSettings>`
}

// legacyName is the X.500 name of before Active Directory.
func legacyName(r *sandbox.Recipient) string {
	return "/o=First Organization/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=" + guid(r)
}

// discovered writes the answer: a code for the whole, then the users.
func (c *call) discovered(w http.ResponseWriter, code, message, users string) {
	var b bytes.Buffer
	build := c.build
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="%s" xmlns:a="%s"><s:Header><a:Action s:mustUnderstand="1">%sResponse</a:Action>`, nsSOAP, nsAddressing, userSettings)
	fmt.Fprintf(&b, `<h:ServerVersionInfo xmlns:h="%s"><h:MajorVersion>%d</h:MajorVersion><h:MinorVersion>%d</h:MinorVersion><h:MajorBuildNumber>%d</h:MajorBuildNumber>`+
		`<h:MinorBuildNumber>%d</h:MinorBuildNumber></h:ServerVersionInfo></s:Header>`, nsDiscover, build.major, build.minor, build.number, build.revision)
	fmt.Fprintf(&b, `<s:Body><GetUserSettingsResponseMessage xmlns="%s" xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><Response><ErrorCode>%s</ErrorCode><ErrorMessage>%s</ErrorMessage>%s`+
		`</Response></GetUserSettingsResponseMessage></s:Body></s:Envelope>`, nsDiscover, code, escape(message), users)
	c.send(w, http.StatusOK, &b)
}

func (c *call) discoverFault(w http.ResponseWriter, code, text string) {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<s:Envelope xmlns:s="%s"><s:Body><s:Fault><faultcode xmlns:a="http://schemas.microsoft.com/ws/2005/05/addressing/none">a:%s</faultcode>`+
		`<faultstring xml:lang="en-US">%s</faultstring></s:Fault></s:Body></s:Envelope>`, nsSOAP, code, escape(text))
	c.log.Code = code
	c.send(w, http.StatusInternalServerError, &b)
}

// discoverJSON is Autodiscover version 2: GET, and nobody signs in.
func (c *call) discoverJSON(w http.ResponseWriter) {
	query := c.http.URL.Query()
	_, address, _ := strings.Cut(c.http.URL.Path, "/v1.0/")
	if address == "" {
		address = query.Get("Email")
	}
	c.log.Mailbox = strings.ToLower(address)
	r, _ := c.world.Recipient(address)
	switch protocol := query.Get("Protocol"); {
	case c.http.Method != http.MethodGet:
		c.status(w, http.StatusMethodNotAllowed)
	case address == "" || protocol == "":
		c.sendJSON(w, http.StatusBadRequest, "ErrorCode", "MandatoryParameterMissing", "ErrorMessage", "A valid value must be provided for the query parameters 'Email' and 'Protocol'")
	case !strings.EqualFold(protocol, "EWS"):
		c.sendJSON(w, http.StatusBadRequest, "ErrorCode", "ProtocolNotSupported", "ErrorMessage", "The given protocol value '"+protocol+"' is invalid. Supported values are 'Ews'")
	case r == nil || r.Disabled:
		c.sendJSON(w, http.StatusNotFound, "ErrorCode", "UserNotFound", "ErrorMessage", "The given user is not found")
	case r.Kind == sandbox.Elsewhere:
		c.sendJSON(w, http.StatusOK, "Protocol", protocol, "Url", "https://outlook.office365.com/EWS/Exchange.asmx")
	default:
		c.sendJSON(w, http.StatusOK, "Protocol", protocol, "Url", c.ewsURL(r))
	}
}

func (c *call) sendJSON(w http.ResponseWriter, status int, pairs ...string) {
	values := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	c.log.Status, c.log.Code = status, values["ErrorCode"]
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(values)
}
