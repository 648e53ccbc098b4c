package console

import (
	"strings"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"kalends/ui"
)

// mostDomains is how many domains of the addresses are named.
const mostDomains = 3

// forWhom names the company that the application asks for. Its name on the page
// is the application's word; the addresses are what would be connected.
func (j *journey) forWhom() g.Node {
	words := j.whom()
	if words == "" && j.Domain != "" {
		return nil // the lead names the company
	}
	if words == "" {
		return ui.Notice(ui.StateWarning, j.v.T("whom.unknown", "application", j.Application.Name), h.P(j.v.Text("whom.unknown_fix", "application", j.Application.Name)))
	}
	return ui.Card(ui.Facts(ui.Pair{Name: j.v.T("whom.label"), Value: h.Strong(g.Text(words))}), h.P(h.Class("muted"), j.v.Text("whom.check")))
}

// whom says "Musterwerk (musterwerk.example, 41 people)", as far as it is known.
func (j *journey) whom() string {
	people := ""
	if j.Emails > 0 {
		people = j.v.T("whom.people", "domains", j.domains(), "count", j.Emails)
	}
	switch {
	case j.Company == "":
		return people
	case people == "":
		return j.Company
	}
	return j.Company + " (" + people + ")"
}

func (j *journey) domains() string {
	if len(j.Domains) <= mostDomains {
		return strings.Join(j.Domains, ", ")
	}
	return strings.Join(j.Domains[:mostDomains], ", ") + " " + j.v.T("whom.more", "count", len(j.Domains)-mostDomains)
}

// another warns when the service account is of a company that the application
// does not ask for.
func (j *journey) another() g.Node {
	if !j.OfAnother() {
		return nil
	}
	return ui.Notice(ui.StateWarning, j.v.T("whom.another", "domain", j.Found.Domain, "application", j.Application.Name, "domains", j.domains()),
		h.P(j.v.Text("whom.another_fix")))
}
