package ewsfake

import (
	"bytes"
	"io"
	"net/http"
	"strings"

	"kalends/sandbox"
)

const provider = "exchange"

// maxBody is what one request may hold.
const maxBody = 4 << 20

// server answers EWS and Autodiscover for one company.
type server struct {
	world      *sandbox.World
	desk       *sandbox.Desk
	set        *settings
	subscribed *subscriptions
	shelf      *shelf
}

// ServeHTTP signs the caller in, reads the request and lets faults strike.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.ToLower(r.URL.Path)
	options := s.set.now()
	form := options.form(path)
	if path == errorPage {
		s.showErrorPage(w)
		return
	}
	if path != "/ews/exchange.asmx" && form == "" {
		http.NotFound(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	c := &call{
		server: s, http: r, options: options, build: buildOf(options.Version), offers: options.offers(s.world.Domain()),
		log: sandbox.Call{Provider: provider, Operation: "Autodiscover", Form: form},
	}
	c.signIn()
	if c.token != "" {
		c.log.Operation, c.log.Handshake = "NTLM", true
	} else if strings.HasPrefix(path, "/ews/") {
		c.read(body)
	}
	c.log.Account = ""
	if c.account != nil {
		c.log.Account = c.account.Email
	}
	fault, flight := s.desk.Begin(&c.log)
	defer func() { s.desk.End(&c.log) }()
	s.desk.Wait(r, s.desk.Latency())
	c.serve(w, body, fault, flight)
}

func (c *call) serve(w http.ResponseWriter, body []byte, fault *sandbox.Fault, flight int) {
	if fault != nil {
		done := false
		if w, done = c.strike(w, fault); done {
			return
		}
	}
	if c.log.Form == formJSON { // without a sign-in
		c.discoverJSON(w)
		return
	}
	if c.log.Form != "" && c.build.level >= level2010 {
		w.Header().Set("X-SOAP-Enabled", "True")
	}
	if c.token != "" && !c.refuseAll {
		w.Header().Set("WWW-Authenticate", c.token)
		c.status(w, http.StatusUnauthorized)
		return
	}
	if c.account == nil || c.refuseAll || !c.offersScheme(c.scheme) {
		c.unauthorized(w)
		return
	}
	if c.http.Method != http.MethodPost {
		c.status(w, http.StatusMethodNotAllowed)
		return
	}
	if c.log.Operation == "Autodiscover" {
		c.autodiscover(w, body)
		return
	}
	if limit := c.concurrency(); limit > 0 && flight > limit {
		c.desk.LimitHit(provider)
		c.crowded = true
	}
	c.answer(w)
}

// strike plays a fault; those of Exchange itself change how the call goes on.
func (c *call) strike(w http.ResponseWriter, f *sandbox.Fault) (http.ResponseWriter, bool) {
	switch f.Kind {
	case "expired_secret", "status_401":
		c.refuseAll = true
	case "no_basic":
		c.offers = []string{"Negotiate", "NTLM"}
	case "kerberos_only":
		c.offers, c.refuseAll = []string{"Negotiate"}, true
	case "no_impersonation", "withdrawn_permission":
		c.denied = true
	case "no_database_right":
		c.deniedHere = true
	case "server_busy":
		c.busy, c.backOff = true, f.DelayMS
	case "error_page":
		http.Redirect(w, c.http, errorPage+"?aspxerrorpath="+c.http.URL.Path, http.StatusFound)
		c.log.Status = http.StatusFound
		return w, true
	case "server_error_page":
		c.log.Status = http.StatusInternalServerError
		serverError(w)
		return w, true
	case "dead_sync_state":
		c.deadState = true
	case "server_busy_bare":
		c.busy, c.noBackOff = true, true
	case "error":
		c.forced = "ErrorInternalServerTransientError"
	default:
		if names, ok := readBends(f.Kind); ok {
			c.bends = names
			return w, false
		}
		if code, ok := strings.CutPrefix(f.Kind, "message:"); ok {
			c.planted, c.backOff = code, f.DelayMS
			return w, false
		}
		if strings.HasPrefix(f.Kind, "Error") {
			c.backOff = f.DelayMS
			c.forced = f.Kind
			return w, false
		}
		out, done := f.Serve(w, c.http, c.desk.Closed())
		return out, done
	}
	return w, false
}

func (c *call) unauthorized(w http.ResponseWriter) {
	for _, method := range c.offers {
		w.Header().Add("WWW-Authenticate", method)
	}
	c.status(w, http.StatusUnauthorized)
}

func (c *call) status(w http.ResponseWriter, status int) {
	c.log.Status = status
	w.WriteHeader(status)
}

func (c *call) send(w http.ResponseWriter, status int, body *bytes.Buffer) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.Header().Set("Server", "Microsoft-IIS/8.5")
	w.Header().Set("X-FEServer", "MAIL")
	c.traces(w)
	c.log.Status = status
	w.WriteHeader(status)
	_, _ = w.Write(c.bend(body.Bytes()))
}
