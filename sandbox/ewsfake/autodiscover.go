package ewsfake

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"kalends/sandbox"
)

// The forms of Autodiscover: in XML, in SOAP (2010), and version 2 (2016).
const (
	formPOX      = "pox"
	formSOAP     = "soap"
	formJSON     = "json"
	formRedirect = "redirect"
)

// secondSite is the label of a second site's server.
const secondSite = "mail2"

// form tells in which form a path asks Autodiscover; "" if it is not served.
func (o Options) form(path string) string {
	form, since := "", 0
	switch {
	case path == "/autodiscover/autodiscover.xml":
		form = formPOX
	case path == "/autodiscover/autodiscover.svc":
		form, since = formSOAP, level2010
	case strings.HasPrefix(path, "/autodiscover/autodiscover.json"):
		form, since = formJSON, level2016
	}
	if o.Forms == nil && buildOf(o.Version).level < since || !o.answers(form) {
		return ""
	}
	return form
}

func (o Options) answers(form string) bool { return o.Forms == nil || slices.Contains(o.Forms, form) }

// home is the host name of the web services.
func (o Options) home(domain string) string {
	if o.Outside != "" {
		return o.Outside
	}
	return "mail." + domain
}

func (o Options) hosts(domain string) []string {
	hosts := []string{"mail." + domain, "autodiscover." + domain, secondSite + "." + domain}
	if o.Outside != "" {
		hosts = []string{o.Outside, "autodiscover." + domain}
	}
	return hosts
}

func (o Options) names(domain string) map[string]string {
	if o.Outside == "" {
		return nil
	}
	return map[string]string{"_autodiscover._tcp." + domain: o.Outside + ":443"}
}

// redirect is the plain listener: Autodiscover's step without credentials.
func (s *server) redirect(w http.ResponseWriter, r *http.Request) {
	options := s.set.now()
	if !options.answers(formRedirect) {
		http.NotFound(w, r)
		return
	}
	host := options.Outside
	if host == "" {
		host = "autodiscover." + s.world.Domain()
	}
	http.Redirect(w, r, "https://"+host+r.URL.Path, http.StatusFound)
}

// siteOf is the label of the server that was asked, "" for the first one.
func (c *call) siteOf() string {
	host := c.http.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if strings.EqualFold(host, secondSite+"."+c.world.Domain()) {
		return secondSite
	}
	return ""
}

// atSite: before 2013 a server knows the mailboxes of its own site only.
// Later ones pass requests on, unless the setting cross_site forbids it.
func (c *call) atSite(r *sandbox.Recipient) *problem {
	switch {
	case r.Site == c.siteOf():
	case c.options.CrossSite == "redirect":
		c.location = c.ewsURL(r)
	case c.options.CrossSite == "proxy_denied":
		return fail("ErrorProxyRequestNotAllowed")
	case c.build.level < level2013:
		return fail("ErrorCrossSiteRequest")
	}
	return nil
}

func (c *call) ewsURL(r *sandbox.Recipient) string {
	host := c.options.home(c.world.Domain())
	if r.Site != "" {
		host = r.Site + "." + c.world.Domain()
	}
	return "https://" + host + "/EWS/Exchange.asmx"
}

// autodiscover answers in XML or SOAP.
func (c *call) autodiscover(w http.ResponseWriter, body []byte) {
	if c.log.Form == formSOAP {
		c.discoverSOAP(w, body)
		return
	}
	c.discoverPOX(w, body)
}

// discoverPOX gives settings, or an error inside HTTP 200.
func (c *call) discoverPOX(w http.ResponseWriter, body []byte) {
	request, err := parseXML(body)
	address := request.value("Request", "EMailAddress")
	if err != nil || address == "" {
		c.poxError(w, 600, "Invalid Request")
		return
	}
	c.log.Mailbox = strings.ToLower(address)
	r, _ := c.world.Recipient(address)
	switch {
	case r == nil || r.Disabled:
		c.poxError(w, 500, "The e-mail address cannot be found.")
	case r.Kind == sandbox.Elsewhere:
		c.pox(w, `<Account><Action>redirectAddr</Action><RedirectAddr>`+escape(r.Aliases[0])+`</RedirectAddr></Account>`, r)
	default:
		c.pox(w, c.poxSettings(r), r)
	}
}

func (c *call) poxSettings(r *sandbox.Recipient) string {
	url, web := c.ewsURL(r), ""
	if c.build.level >= level2010 {
		web = "<EwsUrl>" + url + "</EwsUrl>"
	}
	protocol := func(kind, version string) string {
		return fmt.Sprintf("<Protocol><Type>%s</Type><Server>mail.%s</Server>%s<ASUrl>%s</ASUrl>%s</Protocol>", kind, c.world.Domain(), version, url, web)
	}
	b := c.build
	version := fmt.Sprintf("<ServerVersion>%08X</ServerVersion>", 0x70000000|uint32(b.major)<<22|uint32(b.minor)<<16|0x8000|uint32(b.number))
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
