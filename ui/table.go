package ui

import (
	"fmt"
	"strings"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// Column is one column of a Table.
type Column struct {
	Key     string // names it in ?sort=; "" cannot be sorted
	Label   string
	Number  bool // right-aligned, tabular
	Minor   bool // hidden on phones
	Unnamed bool // of actions: the label is for screen readers only
}

// Table is a list with what is needed to find something in it. Sorting,
// filtering and paging are links and a GET form: ?sort=name or -name, ?page=2.
type Table struct {
	Label   string // what is listed, for screen readers
	Columns []Column
	Rows    [][]g.Node
	Sort    string // the key in use, "-" before it for descending
	Empty   g.Node // shown instead when there are no rows
	Pages   Pages
}

// Pages is where in a long list we are.
type Pages struct {
	Page  int // from 1
	Per   int
	Total int
}

// Count gives the number of pages.
func (p Pages) Count() int {
	if p.Per <= 0 {
		return 1
	}
	return max((p.Total+p.Per-1)/p.Per, 1)
}

// Table draws a table.
func (v *View) Table(t Table) g.Node {
	if len(t.Rows) == 0 && t.Empty != nil {
		return t.Empty
	}
	return h.Div(h.Class("table-box"),
		h.Table(g.Attr("aria-label", t.Label),
			h.THead(h.Tr(g.Map(t.Columns, func(c Column) g.Node { return v.columnHead(t, c) }))),
			h.TBody(g.Map(t.Rows, func(cells []g.Node) g.Node { return row(t.Columns, cells) }))),
		v.pages(t.Pages))
}

func (v *View) columnHead(t Table, c Column) g.Node {
	switch {
	case c.Unnamed:
		return h.Th(h.Scope("col"), h.Span(h.Class("hidden-text"), g.Text(c.Label)))
	case c.Key == "":
		return h.Th(h.Scope("col"), columnClass(c), g.Text(c.Label))
	}
	order, next := "none", c.Key
	switch t.Sort {
	case c.Key:
		order, next = "ascending", "-"+c.Key
	case "-" + c.Key:
		order = "descending"
	}
	return h.Th(h.Scope("col"), columnClass(c), g.Attr("aria-sort", order),
		h.A(h.Href(v.here("sort", next, "page", "")), g.Text(c.Label), Icon(IconChevron)))
}

func columnClass(c Column) g.Node {
	class := ""
	if c.Number {
		class = "number"
	}
	if c.Minor {
		class += " minor"
	}
	return g.If(class != "", h.Class(trimSpace(class)))
}

func row(columns []Column, cells []g.Node) g.Node {
	var nodes g.Group
	for i, cell := range cells {
		nodes = append(nodes, h.Td(columnClass(columns[i]), g.If(!columns[i].Unnamed, g.Attr("data-label", columns[i].Label)), h.Div(h.Class("cell"), cell)))
	}
	return h.Tr(nodes)
}

func (v *View) pages(p Pages) g.Node {
	if p.Count() < 2 {
		return nil
	}
	first, last := (p.Page-1)*p.Per+1, min(p.Page*p.Per, p.Total)
	return h.Nav(h.Class("pages"), g.Attr("aria-label", v.T("ui.pages.label")),
		h.Span(h.Class("muted"), v.Text("ui.pages.shown", "first", first, "last", last, "total", p.Total)),
		g.If(p.Page > 1, LinkButton(Normal, v.here("page", fmt.Sprint(p.Page-1)), v.T("ui.pages.prev"))),
		g.If(p.Page < p.Count(), LinkButton(Normal, v.here("page", fmt.Sprint(p.Page+1)), v.T("ui.pages.next"))))
}

// Filters is the row above a table: a search and some selects, sent by GET.
type Filters struct {
	Search  string // the placeholder; "" = no search field (?q=)
	Selects []Field
	Right   g.Node // at the end of the row: export and the like
}

// Filter draws the row; values stand in the page's query.
func (v *View) Filter(f Filters) g.Node {
	query := v.Request.URL.Query()
	return h.Form(h.Class("filters"), h.Method("get"), h.Action(v.Request.URL.Path), h.Role("search"),
		g.If(f.Search != "", h.Label(h.Class("search"), Icon(IconSearch), h.Span(h.Class("hidden-text"), g.Text(f.Search)),
			h.Input(h.Type("search"), h.Name("q"), h.Value(query.Get("q")), h.Placeholder(f.Search)))),
		g.Map(f.Selects, func(s Field) g.Node {
			s.Value = query.Get(s.Name)
			return h.Select(h.Name(s.Name), g.Attr("aria-label", s.Label), g.Attr("data-submit"), options(s))
		}),
		Button(Normal, v.T("ui.filter"), g.Attr("data-noscript")),
		g.If(f.Right != nil, h.Span(h.Class("filters-right"), f.Right)))
}

// CSVRow makes cells safe for spreadsheets, which take "=", "+", "-" and "@" at
// the start of a cell for a formula.
func CSVRow(cells ...string) []string {
	row := make([]string, len(cells))
	for i, cell := range cells {
		trimmed := strings.TrimSpace(cell)
		if trimmed != "" && strings.ContainsRune("=+-@", rune(trimmed[0])) || strings.HasPrefix(cell, "\t") || strings.HasPrefix(cell, "\r") {
			cell = "'" + cell
		}
		row[i] = cell
	}
	return row
}
