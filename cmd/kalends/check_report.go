package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	kalends "kalends"
	"kalends/explain"
)

// checkReport prints the lines of a check as they end, or all as one JSON object.
type checkReport struct {
	out    io.Writer
	lang   string
	json   bool
	failed bool
	lines  reportWire
}

// reportWire is the JSON of `kalends check exchange --json`.
type reportWire struct {
	OK     bool         `json:"ok"`
	Steps  []stepWire   `json:"steps"`
	People []personWire `json:"people"`
}

type personWire struct {
	Email string     `json:"email"`
	Steps []stepWire `json:"steps"`
}

type stepWire struct {
	Key          string            `json:"key"`
	Status       string            `json:"status"`
	Milliseconds int64             `json:"milliseconds"`
	Facts        map[string]string `json:"facts,omitempty"`
	Attempts     []kalends.Attempt `json:"attempts,omitempty"`
	Cause        *reasonWire       `json:"cause"`
}

type reasonWire struct {
	Key   string            `json:"key"`
	Facts map[string]string `json:"facts"`
	Text  string            `json:"text"`
	Fix   string            `json:"fix"`
}

func newCheckReport(out io.Writer, lang string, asJSON bool) *checkReport {
	return &checkReport{out: out, lang: lang, json: asJSON, lines: reportWire{Steps: []stepWire{}, People: []personWire{}}}
}

// person says whom the next lines concern.
func (r *checkReport) person(email string) {
	r.lines.People = append(r.lines.People, personWire{Email: email, Steps: []stepWire{}})
	if !r.json {
		fmt.Fprintf(r.out, "\n%s\n", email)
	}
}

// step takes a line; one that is under way is not shown.
func (r *checkReport) step(step kalends.Step) {
	if step.Status == kalends.StepRunning {
		return
	}
	r.failed = r.failed || step.Status == kalends.StepFailed
	steps := &r.lines.Steps
	if n := len(r.lines.People); n > 0 {
		steps = &r.lines.People[n-1].Steps
	}
	*steps = append(*steps, r.wire(step))
	if !r.json {
		r.print(step)
	}
}

func (r *checkReport) wire(step kalends.Step) stepWire {
	w := stepWire{
		Key: string(step.Key), Status: string(step.Status), Milliseconds: step.Milliseconds, Facts: step.Facts, Attempts: step.Attempts,
	}
	if step.Cause != nil {
		text := explain.Cause(r.lang, string(step.Cause.Key), step.Cause.Facts)
		w.Cause = &reasonWire{Key: string(step.Cause.Key), Facts: step.Cause.Facts, Text: text.What, Fix: text.Fix}
	}
	return w
}

func (r *checkReport) print(step kalends.Step) {
	key := string(step.Key)
	said := explain.StepDone(r.lang, key, string(step.Status), step.Facts)
	fmt.Fprintf(r.out, "%-8s %-28s %s%s\n", step.Status, explain.Step(r.lang, key), said, took(step.Milliseconds))
	for _, a := range step.Attempts {
		outcome := explain.Attempt(r.lang, a.Result, map[string]string{"target": a.Target})
		fmt.Fprintf(r.out, "%9s%s: %s %s\n", "", explain.Method(r.lang, a.Method), a.What, outcome)
	}
	if step.Cause != nil {
		r.printCause(explain.Cause(r.lang, string(step.Cause.Key), step.Cause.Facts))
	}
}

func (r *checkReport) printCause(text explain.Text) {
	fmt.Fprintf(r.out, "%9s%s\n%9s%s\n", "", text.What, "", text.Fix)
	for _, command := range text.Commands {
		fmt.Fprintf(r.out, "%9s%s:\n%11s%s\n", "", command.Label, "", strings.ReplaceAll(command.Text, "\n", "\n"+strings.Repeat(" ", 11)))
	}
}

func took(milliseconds int64) string {
	if milliseconds == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d ms)", milliseconds)
}

// end prints the JSON object; errCheckFailed if a line failed.
func (r *checkReport) end() error {
	r.lines.OK = !r.failed
	if r.json {
		if err := json.NewEncoder(r.out).Encode(r.lines); err != nil {
			return err
		}
	}
	if r.failed {
		return errCheckFailed
	}
	return nil
}
