package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"kalends/oauth"
	"kalends/smartcalendar"
)

// settings are what an operator can choose. The zero configuration starts.
type settings struct {
	Listen          string        `default:"127.0.0.1:8800" help:"Address to listen on."`
	Data            string        `default:"data" help:"Folder of the embedded database and the keyset." placeholder:"DIR"`
	DatabaseURL     string        `help:"sqlite:FILE or postgres://…; by default kalends.db in the data folder." placeholder:"URL"`
	Keyset          string        `help:"Keyset that seals credentials: its JSON or a file; by default keyset.json in the data folder, made at first start." placeholder:"JSON|FILE"`
	PublicURL       string        `help:"Where browsers and applications reach the hub; by default http:// and the listen address." placeholder:"URL"`
	AppURL          string        `help:"Where browsers reach Smart Calendar; by default the public URL." placeholder:"URL"`
	PrivateNetworks []string      `help:"Private networks that outgoing requests may reach, such as Exchange's." placeholder:"CIDR"`
	TrustedProxies  []string      `help:"Proxies in front of us: their X-Forwarded-For is believed, nobody else's." placeholder:"CIDR|ADDRESS"`
	Resolve         []string      `help:"Names with addresses of their own: host[:port]=address:port, _service._tcp.domain=host:port." placeholder:"NAME=ADDRESS"`
	CAFile          string        `name:"ca-file" help:"PEM certificates trusted besides the system's." placeholder:"FILE"`
	Proxy           string        `help:"Proxy for outgoing requests." placeholder:"URL"`
	ConfirmAliases  bool          `help:"Ask administrators to confirm addresses that are not the primary one of a mailbox."`
	PollInterval    time.Duration `default:"5m" help:"How often calendars are read again."`
	SMTPURL         string        `name:"smtp-url" help:"Server that takes our mail: smtp://user:password@host:587 or smtps://…; without it mail waits." placeholder:"URL"`
	MailFrom        string        `default:"Kalends <kalends@localhost>" help:"Sender of our mail."`
	Contact         string        `help:"Who switches the calendar feature on for a company: shown while it is off." placeholder:"EMAIL|URL"`
	LogLevel        string        `default:"info" enum:"debug,info,warn,error" help:"Least level that is logged: debug, info, warn, error."`

	demoOutbox bool // keep every mail and show it
}

// secretSettings have a twin with _FILE that names a file with the value.
var secretSettings = map[string]bool{
	"KALENDS_KEYSET": true, "KALENDS_SMTP_URL": true, "KALENDS_DATABASE_URL": true, "KALENDS_PROXY": true,
	"KALENDS_EXCHANGE_PASSWORD": true,
}

// envName gives the environment variable of a flag: KALENDS_PUBLIC_URL.
func envName(flag string) string {
	return "KALENDS_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func fromEnvironment(env map[string]string) kong.Resolver {
	return kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		if value, ok := env[envName(flag.Name)]; ok && value != "" {
			return value, nil
		}
		return nil, nil
	})
}

// fromFile reads the config file that --config or KALENDS_CONFIG names.
func fromFile(env map[string]string, args []string) kong.Resolver {
	values := map[string]any{}
	var problem error
	if path := configPath(env, args); path != "" {
		problem = readConfig(path, &values)
	}
	return kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		if problem != nil {
			return nil, problem
		}
		if _, inEnv := env[envName(flag.Name)]; inEnv {
			return nil, nil
		}
		return values[flag.Name], nil
	})
}

func configPath(env map[string]string, args []string) string {
	for i, arg := range args {
		if path, ok := strings.CutPrefix(arg, "--config="); ok {
			return path
		}
		if arg == "--config" && i+1 < len(args) {
			return args[i+1]
		}
	}
	return env["KALENDS_CONFIG"]
}

func readConfig(path string, values *map[string]any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the config file: %w", err)
	}
	if err := json.Unmarshal(text, values); err != nil {
		return fmt.Errorf("config file %s: %w", path, err)
	}
	return nil
}

// complete fills what follows from other settings and refuses what cannot work.
func (s *settings) complete() error {
	if s.PublicURL == "" {
		s.PublicURL = "http://" + reachable(s.Listen)
	}
	s.PublicURL = strings.TrimRight(s.PublicURL, "/")
	if s.AppURL == "" {
		s.AppURL = s.PublicURL
	}
	s.AppURL = strings.TrimRight(s.AppURL, "/")
	if s.DatabaseURL == "" {
		s.DatabaseURL = "sqlite:" + filepath.Join(s.Data, "kalends.db")
	}
	if s.Keyset == "" {
		s.Keyset = filepath.Join(s.Data, "keyset.json")
	}
	return errors.Join(s.problems()...)
}

// reachable gives the address to ask where one listens on all of them.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if addr, parseErr := netip.ParseAddr(host); err == nil && (host == "" || parseErr == nil && addr.IsUnspecified()) {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return listen
}

// problems lists everything that is wrong, so that one start shows all of it.
func (s *settings) problems() []error {
	var found []error
	for name, value := range map[string]string{"public-url": s.PublicURL, "app-url": s.AppURL} {
		if u, err := url.Parse(value); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Path != "" {
			found = append(found, fmt.Errorf("%s: %q is not http(s)://host without a path", envName(name), value))
		}
	}
	if refusal := oauth.CheckRedirectURI(s.AppURL + smartcalendar.RedirectPath); refusal != nil {
		found = append(found, fmt.Errorf("KALENDS_APP_URL: %q: %s", s.AppURL, refusal.Description))
	}
	if _, _, err := net.SplitHostPort(s.Listen); err != nil {
		found = append(found, fmt.Errorf("KALENDS_LISTEN: %w", err))
	}
	if !strings.HasPrefix(s.DatabaseURL, "sqlite:") && !strings.HasPrefix(s.DatabaseURL, "postgres://") && !strings.HasPrefix(s.DatabaseURL, "postgresql://") {
		found = append(found, errors.New("KALENDS_DATABASE_URL: neither sqlite:FILE nor postgres://…"))
	}
	_, err := s.networks()
	_, err2 := s.overrides()
	_, err3 := s.mailServer()
	_, err4 := s.proxies()
	_, err5 := s.proxy()
	for _, err := range []error{err, err2, err3, err4, err5} {
		if err != nil {
			found = append(found, err)
		}
	}
	return found
}

func (s *settings) networks() ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range s.PrivateNetworks {
		prefix, err := netip.ParsePrefix(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("KALENDS_PRIVATE_NETWORKS: %w", err)
		}
		all = append(all, prefix)
	}
	return all, nil
}

// proxy reads the proxy for outgoing requests; nil without one. The error does
// not show the value, which may hold a password.
func (s *settings) proxy() (*url.URL, error) {
	if s.Proxy == "" {
		return nil, nil
	}
	u, err := url.Parse(s.Proxy)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("KALENDS_PROXY: not http(s)://host:port")
	}
	return u, nil
}

func (s *settings) overrides() (map[string]string, error) {
	all := map[string]string{}
	for _, pair := range s.Resolve {
		name, address, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok || name == "" || address == "" {
			return nil, fmt.Errorf("KALENDS_RESOLVE: %q is not name=address", pair)
		}
		all[name] = address
	}
	return all, nil
}

func (s *settings) logger() *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.LogLevel)); err != nil {
		level = slog.LevelInfo
	}
	return slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}
