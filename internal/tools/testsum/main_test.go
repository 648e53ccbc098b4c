package main

import (
	"regexp"
	"strings"
	"testing"
)

func TestASkipWithoutARightToItFails(t *testing.T) {
	t.Parallel()
	const events = `{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:1: GAP rooms: none\n"}
{"Action":"skip","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:1: curl is not installed\n"}
{"Action":"skip","Package":"p","Test":"TestB"}
{"Action":"pass","Package":"p","Test":"TestC"}
`
	for expression, want := range map[string]string{"": "1 passed, 0 failed, 2 skipped", "GAP": "1 passed, 1 failed, 1 skipped"} {
		var out strings.Builder
		s := sum{out: &out, output: map[string]*strings.Builder{}, failedTests: map[string]bool{}}
		if expression != "" {
			s.allowed = regexp.MustCompile(expression)
		}
		if err := s.read(strings.NewReader(events)); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("skips allowed by %q: %s", expression, out.String())
		}
	}
}
