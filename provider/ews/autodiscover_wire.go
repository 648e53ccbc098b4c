package ews

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// discovered is what an answer of Autodiscover says, in whatever form it came.
type discovered struct {
	urls            []string // of EWS, the best first
	redirectURL     string
	redirectAddress string
	code            string // an error's
	busy            bool   // the error passes
}

// maxShown is the longest error code that is repeated.
const maxShown = 60

var errNotJSON = errors.New("not Autodiscover's JSON")

func readAnswer(method, text string) (discovered, error) {
	if method == methodJSON {
		return readJSON(text)
	}
	root, err := parse(text)
	if err != nil {
		return discovered{}, err
	}
	if method == methodSOAP {
		return readSOAP(root)
	}
	return readPOX(root)
}

// requestPOX: [MS-OXDSCLI] section 2.2.3, Autodiscover Request.
func requestPOX(email string) string {
	return `<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006">` +
		`<Request><EMailAddress>` + escape(email) + `</EMailAddress><AcceptableResponseSchema>` +
		`http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>`
}

// readPOX: [MS-OXDSCLI] section 2.2.4, Autodiscover Response.
func readPOX(root *node) (discovered, error) {
	if root.name != "Autodiscover" {
		return discovered{}, errNotXML
	}
	account := root.find("Account")
	switch action := account.value("Action"); {
	case strings.EqualFold(action, "redirectUrl"):
		return discovered{redirectURL: account.value("RedirectUrl")}.orEmpty(), nil
	case strings.EqualFold(action, "redirectAddr"):
		return discovered{redirectAddress: account.value("RedirectAddr")}.orEmpty(), nil
	}
	if code := root.find("Error").value("ErrorCode"); code != "" {
		return discovered{code: shown(code), busy: code == "601"}, nil
	}
	return discovered{urls: protocolsOf(account)}, nil
}

// orEmpty makes an error of a redirect that leads nowhere.
func (d discovered) orEmpty() discovered {
	if d.redirectURL == "" && d.redirectAddress == "" {
		d.code = "redirect"
	}
	return d
}

// protocolsOf takes the EWS URLs: EXPR is external, EXCH internal, WEB has both
// below elements of its own. EwsUrl comes first, 2007 and 2010 have ASUrl.
func protocolsOf(account *node) []string {
	var urls []string
	for _, kind := range []string{"EXPR", "EXHTTP", "EXCH"} {
		for _, protocol := range account.all() {
			if protocol.name == "Protocol" && protocol.value("Type") == kind {
				urls = append(urls, protocol.value("EwsUrl"), protocol.value("ASUrl"))
			}
		}
	}
	for _, protocol := range account.all() {
		if protocol.name == "Protocol" && protocol.value("Type") == "WEB" {
			urls = append(urls, protocol.value("External", "Protocol", "ASUrl"), protocol.value("Internal", "Protocol", "ASUrl"),
				protocol.value("EwsUrl"), protocol.value("ASUrl"))
		}
	}
	return withoutGaps(urls)
}

// withoutGaps leaves out what is empty or stands twice.
func withoutGaps(urls []string) []string {
	var list []string
	for _, address := range urls {
		if address != "" && !slices.Contains(list, address) {
			list = append(list, address)
		}
	}
	return list
}

const (
	spaceAutodiscover = "http://schemas.microsoft.com/exchange/2010/Autodiscover"
	spaceAddressing   = "http://www.w3.org/2005/08/addressing"
)

// requestSOAP: GetUserSettings operation, [MS-OXWSADISC] section 3.1.4.3.
func requestSOAP(target, email string) string {
	return `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="` + spaceSOAP + `" xmlns:a="` + spaceAutodiscover + `" xmlns:w="` + spaceAddressing + `">` +
		`<s:Header><a:RequestedServerVersion>Exchange2010</a:RequestedServerVersion>` +
		`<w:Action>` + spaceAutodiscover + `/Autodiscover/GetUserSettings</w:Action><w:To>` + escape(target) + `</w:To></s:Header>` +
		`<s:Body><a:GetUserSettingsRequestMessage><a:Request><a:Users><a:User><a:Mailbox>` + escape(email) + `</a:Mailbox></a:User></a:Users>` +
		`<a:RequestedSettings><a:Setting>ExternalEwsUrl</a:Setting><a:Setting>InternalEwsUrl</a:Setting></a:RequestedSettings>` +
		`<a:RequestedVersion>Exchange2010</a:RequestedVersion></a:Request></a:GetUserSettingsRequestMessage></s:Body></s:Envelope>`
}

// readSOAP: errors stand at three levels: the response, the user, the setting.
func readSOAP(root *node) (discovered, error) {
	response := root.child("Body", "GetUserSettingsResponseMessage", "Response")
	if root.name != "Envelope" || response == nil {
		return discovered{}, errNotXML
	}
	if code := response.value("ErrorCode"); code != "" && code != "NoError" {
		return errorOf(code), nil
	}
	user := response.child("UserResponses", "UserResponse")
	switch code := user.value("ErrorCode"); code {
	case "RedirectUrl":
		return discovered{redirectURL: user.value("RedirectTarget")}.orEmpty(), nil
	case "RedirectAddress":
		return discovered{redirectAddress: user.value("RedirectTarget")}.orEmpty(), nil
	case "", "NoError":
		return discovered{urls: settingsOf(user)}, nil
	default:
		return errorOf(code), nil
	}
}

func errorOf(code string) discovered {
	return discovered{code: shown(code), busy: code == "ServerBusy"}
}

func settingsOf(user *node) []string {
	var urls []string
	for _, name := range []string{"ExternalEwsUrl", "InternalEwsUrl"} {
		for _, setting := range user.child("UserSettings").all() {
			if setting.value("Name") == name {
				urls = append(urls, setting.value("Value"))
			}
		}
	}
	return withoutGaps(urls)
}

// answerJSON is the answer of Autodiscover v2, or its error with status 400.
type answerJSON struct {
	Protocol  string
	URL       string `json:"Url"`
	ErrorCode string
}

func readJSON(text string) (discovered, error) {
	var a answerJSON
	if err := json.Unmarshal([]byte(strings.TrimPrefix(text, "\ufeff")), &a); err != nil {
		return discovered{}, errNotJSON
	}
	switch {
	case a.ErrorCode != "":
		return discovered{code: shown(a.ErrorCode)}, nil
	case !strings.EqualFold(a.Protocol, "EWS"):
		return discovered{}, errNotJSON
	}
	return discovered{urls: withoutGaps([]string{strings.TrimSpace(a.URL)})}, nil
}

// shown is an error code as people see it: what is none is only called so.
func shown(code string) string {
	if len(code) > maxShown {
		return strconv.Itoa(len(code)) + " characters"
	}
	return code
}
