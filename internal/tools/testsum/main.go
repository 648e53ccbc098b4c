package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

// event is one line of `go test -json` (go doc test2json).
type event struct {
	Action     string
	Package    string
	ImportPath string
	Test       string
	Elapsed    float64
	Output     string
}

type sum struct {
	allowed                 *regexp.Regexp // reasons to skip; nil = any
	out                     io.Writer
	passed, failed, skipped int
	output                  map[string]*strings.Builder
	failedTests             map[string]bool // packages in which a test failed
}

func main() {
	may := flag.String("skips", "", "expression that a skipped test's reason has to match; others fail")
	flag.Parse()
	s := sum{out: os.Stdout, output: map[string]*strings.Builder{}, failedTests: map[string]bool{}}
	if *may != "" {
		s.allowed = regexp.MustCompile(*may)
	}
	if err := s.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testsum:", err)
		os.Exit(2)
	}
	if s.failed > 0 || s.passed == 0 {
		os.Exit(1)
	}
}

func (s *sum) read(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 1<<20), 64<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil || e.Action == "" {
			fmt.Fprintln(s.out, lines.Text()) // not from test2json: a build's words
			continue
		}
		s.take(e)
	}
	fmt.Fprintf(s.out, "\n%d passed, %d failed, %d skipped\n", s.passed, s.failed, s.skipped)
	return lines.Err()
}

func (s *sum) take(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "build-output":
		fmt.Fprint(s.out, e.Output)
	case "build-fail":
		s.failed++
	case "output":
		s.keep(key, e.Output)
	case "pass", "fail", "skip":
		s.finish(e, key)
	}
}

func (s *sum) keep(key, output string) {
	if s.output[key] == nil {
		s.output[key] = &strings.Builder{}
	}
	s.output[key].WriteString(output)
}

func (s *sum) finish(e event, key string) {
	if e.Test == "" {
		s.finishPackage(e, key)
		return
	}
	switch e.Action {
	case "pass":
		s.passed++
	case "skip":
		s.skip(e, s.reason(key))
	case "fail":
		s.failed++
		s.failedTests[e.Package] = true
		fmt.Fprint(s.out, s.output[key])
	}
	delete(s.output, key)
}

// skip counts a test that did not run, and fails one that had no right not to.
func (s *sum) skip(e event, reason string) {
	if s.allowed != nil && !s.allowed.MatchString(reason) {
		s.failed++
		s.failedTests[e.Package] = true
		fmt.Fprintf(s.out, "FAIL %s %s was skipped: %s\n", e.Package, e.Test, reason)
		return
	}
	s.skipped++
	fmt.Fprintf(s.out, "skip %s %s: %s\n", e.Package, e.Test, reason)
}

// finishPackage counts a package that failed without a failed test: a panic, a
// race at the end, a TestMain that gave up.
func (s *sum) finishPackage(e event, key string) {
	fmt.Fprintf(s.out, "%-4s %s %.1fs\n", e.Action, e.Package, e.Elapsed)
	if e.Action == "fail" && !s.failedTests[e.Package] {
		s.failed++
		for k, output := range s.output {
			if strings.HasPrefix(k, e.Package+" ") {
				fmt.Fprint(s.out, output)
			}
		}
	}
	delete(s.output, key)
}

func (s *sum) reason(key string) string {
	if s.output[key] == nil {
		return ""
	}
	var kept []string
	for _, line := range strings.Split(s.output[key].String(), "\n") {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "===") && !strings.HasPrefix(line, "---") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, " ")
}
