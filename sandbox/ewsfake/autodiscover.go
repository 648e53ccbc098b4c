package ewsfake

import (
	"bytes"
	"fmt"
	"net/http"

	"kalends/sandbox"
)

// autodiscover is the POX service: settings, or an error inside HTTP 200.
func (c *call) autodiscover(w http.ResponseWriter, body []byte) {
	request, err := parseXML(body)
	address := request.value("Request", "EMailAddress")
	if err != nil || address == "" {
		c.poxError(w, 600, "Invalid Request")
		return
	}
	c.log.Mailbox = address
	r, _ := c.world.Recipient(address)
	switch {
	case r == nil || r.Disabled:
		c.poxError(w, 500, "The e-mail address cannot be found.")
	case r.Kind == sandbox.Elsewhere:
		c.pox(w, `<Account><Action>redirectAddr</Action><RedirectAddr>`+escape(r.Aliases[0])+`</RedirectAddr></Account>`, r)
	default:
		c.pox(w, c.settings(), r)
	}
}

func (c *call) settings() string {
	url := "https://mail." + c.world.Domain() + "/EWS/Exchange.asmx"
	protocol := func(kind, version string) string {
		return fmt.Sprintf("<Protocol><Type>%s</Type><Server>mail.%s</Server>%s<ASUrl>%s</ASUrl><EwsUrl>%s</EwsUrl></Protocol>", kind, c.world.Domain(), version, url, url)
	}
	b := c.build
	version := fmt.Sprintf("<ServerVersion>%08X</ServerVersion>", 0x73000000|uint32(b.major-8)<<22|uint32(b.minor)<<16|0x8000|uint32(b.number))
	return "<Account><AccountType>email</AccountType><Action>settings</Action>" + protocol("EXCH", version) + protocol("EXPR", "") + "</Account>"
}

func (c *call) pox(w http.ResponseWriter, account string, r *sandbox.Recipient) {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">` +
		`<Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"><User><DisplayName>` + escape(r.Name) +
		`</DisplayName><AutoDiscoverSMTPAddress>` + escape(r.Email) + `</AutoDiscoverSMTPAddress></User>` + account + `</Response></Autodiscover>`)
	c.send(w, http.StatusOK, &b)
}

func (c *call) poxError(w http.ResponseWriter, code int, text string) {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"><Response>`+
		`<Error Time="%s" Id="1"><ErrorCode>%d</ErrorCode><Message>%s</Message><DebugData/></Error></Response></Autodiscover>`, c.world.Now().Format("15:04:05.0000000"), code, text)
	c.log.Code = text
	c.send(w, http.StatusOK, &b)
}
