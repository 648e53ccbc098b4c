package console

import (
	"cmp"
	"encoding/csv"
	"strings"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	kalends "kalends"
	"kalends/explain"
	"kalends/hub/connect"
	"kalends/ui"
)

// mostListed is how many addresses of a group the page lists unless it is asked
// for all by ?all= with the group's name.
const mostListed = 200

// groups in the order of the bar, with how each looks.
var groups = []struct {
	key   connect.PreviewGroup
	state ui.State
}{
	{connect.GroupExact, ui.StateOK},
	{connect.GroupAlias, ui.StateInfo},
	{connect.GroupManual, ui.StateOK},
	{connect.GroupWaiting, ui.StateWaiting},
	{connect.GroupNotFound, ui.StateError},
	{connect.GroupPending, ui.StateOff},
}

// summary is what the check found out.
func (k *console) summary(j *journey) g.Node {
	v := j.v
	rooms := v.T("check.rooms_unknown")
	if j.Found.Rooms >= 0 {
		rooms = v.T("check.rooms", "count", j.Found.Rooms)
	}
	return ui.Section(v.T("check.found"), nil, j.another(), ui.Card(ui.Facts(
		ui.Pair{Name: v.T("whom.label"), Value: g.Text(cmp.Or(j.whom(), j.Domain, v.T("whom.not_named")))},
		ui.Pair{Name: v.T("check.account"), Value: g.Text(j.Found.Account)},
		ui.Pair{Name: v.T("check.domain"), Value: g.Text(j.Found.Domain)},
		ui.Pair{Name: v.T("check.rooms_label"), Value: g.Text(rooms)})))
}

// preview says who would be connected.
func (k *console) preview(j *journey) g.Node {
	v, p := j.v, j.Preview
	if p.Running && p.Done < p.Total {
		return ui.Section(v.T("preview.title"), nil, ui.Card(v.Progress(ui.Bar{Label: v.T("preview.running", "done", p.Done, "total", p.Total), Done: p.Done, Total: p.Total})), k.bar(j))
	}
	if p.Running {
		return ui.Section(v.T("preview.title"), nil, ui.Card(v.Skeleton(3)))
	}
	lead := v.T("preview.lead", "count", p.Total)
	if p.Sample {
		lead = v.T("preview.sample", "count", len(p.Items))
	}
	return ui.Section(v.T("preview.title"), j.previewActions(), h.P(h.Class("muted"), g.Text(lead)), k.bar(j))
}

func (j *journey) previewActions() g.Node {
	if len(j.Preview.Items) == 0 {
		return nil
	}
	return ui.Actions(ui.PostButton(ui.Quiet, connectPath+"/preview", j.v.T("preview.again"), ui.Icon(ui.IconRefresh), j.hidden()),
		ui.LinkButton(ui.Quiet, connectPath+"/preview.csv", "CSV", ui.Icon(ui.IconDownload)))
}

func (k *console) bar(j *journey) g.Node {
	if len(j.Preview.Items) == 0 {
		return nil
	}
	byGroup := map[connect.PreviewGroup][]connect.PreviewItem{}
	for _, item := range j.Preview.Items {
		byGroup[item.Group()] = append(byGroup[item.Group()], item)
	}
	var parts []ui.Part
	var words []string
	for _, group := range groups {
		items := byGroup[group.key]
		if len(items) == 0 && (group.key == connect.GroupPending || group.key == connect.GroupWaiting) {
			continue
		}
		label, all := j.v.T("preview.group."+string(group.key)), j.r.URL.Query().Get("all") == string(group.key)
		words = append(words, j.v.Number(len(items))+" "+label)
		parts = append(parts, ui.Part{
			ID: "match-" + string(group.key), Label: label, Count: len(items), State: group.state, Open: all,
			Body: k.items(j, group.key, items, all),
		})
	}
	return j.v.MatchBar(strings.Join(words, ", "), parts)
}

func (k *console) items(j *journey, group connect.PreviewGroup, items []connect.PreviewItem, all bool) g.Node {
	if len(items) == 0 {
		return nil
	}
	shown := items
	if !all {
		shown = items[:min(len(items), mostListed)]
	}
	return g.Group{
		h.Ul(h.Class("match-list"), h.TabIndex("0"), g.Attr("role", "list"), g.Map(shown, func(i connect.PreviewItem) g.Node { return k.item(j, i) })),
		g.If(len(shown) < len(items), h.P(h.Class("match-more"), h.Span(h.Class("muted"), j.v.Text("preview.shown", "shown", len(shown), "total", len(items))),
			ui.LinkButton(ui.Normal, connectPath+"/check?all="+string(group)+"#match-"+string(group), j.v.T("preview.all", "count", len(items))),
			ui.LinkButton(ui.Quiet, connectPath+"/preview.csv", j.v.T("preview.csv"), ui.Icon(ui.IconDownload)))),
	}
}

func (k *console) item(j *journey, i connect.PreviewItem) g.Node {
	v := j.v
	words := g.Group{h.Span(h.Class("match-email"), g.Text(i.Email))}
	if i.MatchedEmail != "" && i.MatchedEmail != i.Email {
		words = append(words, h.Span(h.Class("muted"), g.Text("→ "+i.MatchedEmail+" ("+explain.MatchedBy(v.Lang, string(i.MatchedBy))+")")))
	} else if i.Name != "" {
		words = append(words, h.Span(h.Class("muted"), g.Text(i.Name)))
	}
	if i.Cause != nil {
		text := explain.Cause(v.Lang, string(i.Cause.Key), v.Facts(i.Cause.Facts))
		words = append(words, h.Span(h.Class("muted"), h.Title(text.What+" "+text.Fix), g.Text(text.Title)))
	}
	return h.Li(words, g.If(i.Group() != connect.GroupExact && i.Group() != connect.GroupPending, k.mapForm(j, i)))
}

// mapForm corrects an address by hand, beside it.
func (k *console) mapForm(j *journey, i connect.PreviewItem) g.Node {
	v := j.v
	proposal := i.MatchedEmail
	if proposal == "" && len(i.Candidates) > 0 {
		proposal = i.Candidates[0]
	}
	return h.Details(h.Class("map"), h.Summary(h.Span(v.Text("preview.map"))),
		h.Form(h.Method("post"), h.Action(connectPath+"/mapping"), j.hidden(), ui.Hidden("email", i.Email),
			h.Input(h.Type("email"), h.Name("mailbox"), h.Value(proposal), g.Attr("aria-label", v.T("preview.map_label", "email", i.Email)), h.Placeholder(v.T("preview.map_placeholder"))),
			ui.Button(ui.Normal, v.T("preview.map_do"))))
}

// decide is the end: the policy on aliases, and yes.
func (k *console) decide(j *journey) g.Node {
	v, app := j.v, j.Application.Name
	return ui.Section(v.T("finish.title"), nil, ui.Card(ui.Form(connectPath+"/finish", j.hidden(),
		ui.Choice("confirm", v.T("aliases.label"), []ui.Option{
			{Value: "no", Label: v.T("aliases.connect"), Help: v.T("aliases.connect_help"), Chosen: !j.ConfirmAliases},
			{Value: "yes", Label: v.T("aliases.ask"), Help: v.T("aliases.ask_help", "application", app), Chosen: j.ConfirmAliases},
		}),
		ui.Actions(ui.Button(ui.Primary, v.T("finish.do")), h.Span(h.Class("muted"), v.Text("finish.next", "application", app))))))
}

func (k *console) previewAgain(j *journey) {
	k.backToCheck(j, k.hub.StartPreview(j.r.Context(), j.handle))
}

func (k *console) mapping(j *journey) {
	email := j.r.FormValue("email")
	err := k.hub.PreviewMapping(j.r.Context(), j.handle, email, j.r.FormValue("mailbox"))
	switch {
	case err == nil:
		j.v.Flash(ui.StateOK, "preview.mapped", "email", email)
	case kalends.CauseOf(err) != nil || kalends.KindOf(err) == kalends.KindInvalid:
		j.v.Flash(ui.StateError, "preview.not_mapped", "email", email)
		err = nil
	}
	k.backToCheck(j, err)
}

func (k *console) backToCheck(j *journey, err error) {
	if err != nil {
		k.fail(j.v, err)
		return
	}
	j.v.Redirect(connectPath + "/check")
}

// previewCSV is the whole preview as a table for a spreadsheet.
func (k *console) previewCSV(j *journey) {
	j.w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	j.w.Header().Set("Content-Disposition", `attachment; filename="preview.csv"`)
	table := csv.NewWriter(j.w)
	_ = table.Write([]string{"email", "group", "matched_email", "matched_by", "cause"}) // a closed connection shows in Flush
	for _, i := range j.Preview.Items {
		cause := ""
		if i.Cause != nil {
			cause = explain.Cause(j.v.Lang, string(i.Cause.Key), i.Cause.Facts).Title
		}
		_ = table.Write(ui.CSVRow(i.Email, string(i.Group()), i.MatchedEmail, string(i.MatchedBy), cause))
	}
	table.Flush()
}
