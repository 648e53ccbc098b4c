package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Environ(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "kalends:", err)
		os.Exit(1)
	}
}

// cli is every command and every setting. Settings are flags, environment
// variables (KALENDS_ and the flag's name) or entries of the config file.
type cli struct {
	settings

	Config string `help:"JSON file with settings, by the names of the flags." placeholder:"FILE"`

	Serve   serveCommand   `cmd:"" help:"Run the hub and Smart Calendar."`
	Demo    demoCommand    `cmd:"" help:"Run both with a simulated company, to try everything."`
	Sandbox sandboxCommand `cmd:"" help:"Run only the simulated calendar systems."`
	Check   checkCommand   `cmd:"" help:"Check settings, or access to an Exchange."`
	Migrate migrateCommand `cmd:"" help:"Bring the database up to date; serve does it by itself."`
	App     appCommand     `cmd:"" help:"Applications that may use the hub."`
	Org     orgCommand     `cmd:"" help:"Organisations that are connected."`
	Company companyCommand `cmd:"" help:"Companies of Smart Calendar."`
	Keyset  keysetCommand  `cmd:"" help:"The keys that seal credentials."`
	Backup  backupCommand  `cmd:"" help:"Copy a SQLite database while it runs."`
}

// environment is what commands are given besides their flags.
type environment struct {
	ctx context.Context
	out io.Writer
	env map[string]string
}

// exited is how kong's wish to end the program (after --help) travels to run.
type exited int

// run is the program: args without its name, env as in os.Environ, out for what
// is printed. It returns when the command is done or ctx ends.
func run(ctx context.Context, args, environ []string, out io.Writer) (err error) {
	env, err := parseEnvironment(environ)
	if err != nil {
		return err
	}
	defer func() {
		if code, ok := recover().(exited); ok && code != 0 {
			err = errors.New("not understood")
		}
	}()
	var c cli
	parser, err := kong.New(&c,
		kong.Name("kalends"),
		kong.Description("Connects a whole company's calendars once."),
		kong.Writers(out, os.Stderr),
		kong.Exit(func(code int) { panic(exited(code)) }),
		kong.UsageOnError(),
		kong.Resolvers(fromEnvironment(env), fromFile(env, args)),
	)
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return err
	}
	return parsed.Run(&environment{ctx: ctx, out: out, env: env}, &c.settings)
}

// parseEnvironment reads KALENDS_ variables. KALENDS_X_FILE is a file with the
// value of KALENDS_X, for secrets.
func parseEnvironment(environ []string) (map[string]string, error) {
	env := map[string]string{}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, "KALENDS_") {
			env[name] = value
		}
	}
	for name, path := range env {
		plain, isFile := strings.CutSuffix(name, "_FILE")
		if !isFile || !secretSettings[plain] {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		env[plain] = strings.TrimSpace(string(text))
	}
	return env, nil
}
