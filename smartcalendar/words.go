package smartcalendar

import (
	"strings"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

func containsFold(text, folded string) bool { return strings.Contains(fold(text), folded) }

// helpURL makes the links of explain lead to the help pages: "help/TOPIC" is
// relative to the application, everything else is a vendor's page.
func helpURL(link string) string {
	if strings.HasPrefix(link, "help/") {
		return "/" + link
	}
	return link
}

// linked shows plain text with its addresses as links. Only addresses of the web
// become links.
func linked(text string) g.Node {
	var nodes g.Group
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		var parts g.Group
		for i, line := range strings.Split(paragraph, "\n") {
			if i > 0 {
				parts = append(parts, h.Br())
			}
			if strings.HasPrefix(line, "https://") || strings.HasPrefix(line, "http://") {
				parts = append(parts, h.A(h.Href(line), g.Text(line)))
				continue
			}
			parts = append(parts, g.Text(line))
		}
		nodes = append(nodes, h.P(parts))
	}
	return nodes
}
