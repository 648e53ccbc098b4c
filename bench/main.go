package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"sort"
	"syscall"

	"github.com/alecthomas/kong"
)

// result is the last line of every benchmark.
type result struct {
	Name    string         `json:"name"`
	Correct bool           `json:"correct"`
	Figures map[string]any `json:"figures"`
	Machine map[string]any `json:"machine"`
	Wrong   []string       `json:"wrong,omitempty"`
}

type cli struct {
	Connect  connectBench  `cmd:"" help:"First connect of a whole organisation."`
	Promises promisesBench `cmd:"" help:"What people are promised in seconds: first sign-in, refused and ended connections shown, the end of the program."`
	Receiver receiver      `cmd:"" hidden:"" help:"The application that is called back."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	var c cli
	parsed := kong.Parse(&c, kong.Name("bench"), kong.UsageOnError())
	parsed.FatalIfErrorf(parsed.Run(&environment{ctx: ctx}))
}

type environment struct{ ctx context.Context }

var errWrong = errors.New("the answer is wrong")

// print shows the figures, as the one line that scripts read or as a table.
func (r result) print(asJSON bool) error {
	r.Machine = map[string]any{"cpus": runtime.NumCPU(), "go": runtime.Version(), "os": runtime.GOOS + "/" + runtime.GOARCH}
	if asJSON {
		if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
			return err
		}
	} else {
		r.table()
	}
	if !r.Correct {
		return errWrong
	}
	return nil
}

func (r result) table() {
	fmt.Printf("%s  correct: %v  %v\n", r.Name, r.Correct, r.Wrong)
	var names []string
	for name := range r.Figures {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Printf("  %-24s %v\n", name, r.Figures[name])
	}
}
