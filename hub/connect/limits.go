package connect

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	kalends "kalends"
	"kalends/db"
	"kalends/outbound"
	"kalends/store"
)

// limit says how many failures of one thing are let through before a wait, and
// how the waits grow.
type limit struct {
	key    string        // what is counted, hashed before it is stored
	free   int           // the failure that brings the first wait
	wait   time.Duration // the first wait; doubles with each further failure
	most   time.Duration // the longest wait
	forget time.Duration // so long without a failure starts anew
}

// A directory account is never tried more than twice before a wait that is long
// enough for usual lockout counters.
func passwordLimit(account string) limit {
	return limit{key: "password|" + account, free: 2, wait: 15 * time.Minute, most: 4 * time.Hour, forget: 24 * time.Hour}
}

// passwordLimits counts a service account under the servers that are asked, and
// under each domain that a form names: whoever guesses chooses the form's values.
// The first is the first server's, the only one that a success speaks for.
func passwordLimits(hosts []string, domain, user string) []limit {
	var limits []limit
	seen := map[string]bool{}
	for _, owner := range slices.Concat(hosts, []string{domain, kalends.EmailDomain(user)}) {
		key := accountKey(user, owner)
		if owner != "" && !seen[key] {
			seen[key] = true
			limits = append(limits, passwordLimit(key))
		}
	}
	return limits
}

// guessLimits counts wrong passwords whosever they are: one password tried on
// many accounts is as good a guess as many on one.
func guessLimits(connectID string, hosts []string) []limit {
	keys := []string{"guesses|connect|" + connectID}
	for _, host := range hosts {
		if key := "guesses|host|" + owner(host); !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	limits := make([]limit, len(keys))
	for i, key := range keys {
		limits[i] = limit{key: key, free: 10, wait: 15 * time.Minute, most: 4 * time.Hour, forget: 24 * time.Hour}
	}
	return limits
}

// Whoever looks for servers and ports is slowed down from each side.
func scanLimits(applicationID, client string, hosts ...string) []limit {
	limits := []limit{
		{key: "application|" + applicationID, free: 60, wait: time.Minute, most: 10 * time.Minute, forget: 10 * time.Minute},
		{key: "client|" + client, free: 12, wait: time.Minute, most: time.Hour, forget: 30 * time.Minute},
	}
	for _, host := range hosts {
		limits = append(limits, limit{key: "host|" + host, free: 12, wait: time.Minute, most: time.Hour, forget: 30 * time.Minute})
	}
	return limits
}

// connectLimit counts the failed checks of one browser's connect.
func connectLimit(connectID string) limit {
	return limit{key: "connect|" + connectID, free: 12, wait: time.Minute, most: time.Hour, forget: 30 * time.Minute}
}

// reserve counts a try before it is made, as if it failed, so that tries side by
// side can not pass a limit together and a kill in between is on the safe side.
// It gives when the next try is allowed; the zero time means that this one is,
// and only then has anything been counted.
func (s *Service) reserve(ctx context.Context, tx *db.Tx, limits ...limit) (time.Time, error) {
	tries := make([]store.Try, len(limits))
	for i, l := range limits {
		key := s.c.Box.Hash("tries", l.key)
		if err := tx.Lock(ctx, "tries:"+key); err != nil {
			return time.Time{}, err
		}
		try, err := s.c.Store.Try(ctx, tx, key)
		if err != nil {
			return time.Time{}, err
		}
		if until := try.LockedUntil; until.After(tx.Now()) {
			return until, nil
		}
		tries[i] = l.count(try, key, tx.Now())
	}
	for _, try := range tries {
		if err := s.c.Store.PutTry(ctx, tx, try); err != nil {
			return time.Time{}, err
		}
	}
	return time.Time{}, nil
}

func (l limit) count(try store.Try, key string, now time.Time) store.Try {
	if now.Sub(try.LastAt) > l.forget {
		try.Failures = 0
	}
	try.Key, try.LastAt, try.LockedUntil = key, now, time.Time{}
	try.Failures++
	if over := try.Failures - l.free; over >= 0 {
		try.LockedUntil = now.Add(min(l.wait<<min(over, 16), l.most))
	}
	return try
}

// refund takes back a try that did not fail in the way that is counted. With
// clear the count starts anew.
func (s *Service) refund(ctx context.Context, tx *db.Tx, clear bool, limits ...limit) error {
	for _, l := range limits {
		key := s.c.Box.Hash("tries", l.key)
		if err := tx.Lock(ctx, "tries:"+key); err != nil {
			return err
		}
		try, err := s.c.Store.Try(ctx, tx, key)
		if err != nil {
			return err
		}
		try.Key = key
		if try.Failures--; clear || try.Failures < 0 {
			try.Failures = 0
		}
		if try.Failures < l.free { // others' failures keep their wait
			try.LockedUntil = time.Time{}
		}
		if try.LastAt.IsZero() {
			try.LastAt = tx.Now()
		}
		if err := s.c.Store.PutTry(ctx, tx, try); err != nil {
			return err
		}
	}
	return nil
}

// lockedUntil tells until when nothing more is let through.
func (s *Service) lockedUntil(ctx context.Context, tx *db.Tx, l limit) (time.Time, error) {
	try, err := s.c.Store.Try(ctx, tx, s.c.Box.Hash("tries", l.key))
	return try.LockedUntil, err
}

func tooManyTries(until time.Time) *kalends.Cause {
	return kalends.NewCause(kalends.CauseTooManyTries, "until", until.UTC().Format(time.RFC3339))
}

// clientKey is how a browser's address is counted: an IPv6 customer has a /64.
func clientKey(addr netip.Addr) string {
	addr = addr.Unmap()
	if addr.Is6() {
		if prefix, err := addr.Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return addr.String()
}

// accountKey names a service account however it is written: DOMAIN\svc,
// svc@domain and SVC are the same, and so are the names of one company's servers.
func accountKey(user, domain string) string {
	user = strings.ToLower(strings.TrimSpace(user))
	if slash := strings.LastIndexAny(user, `\/`); slash >= 0 {
		user = user[slash+1:]
	}
	if at := strings.LastIndexByte(user, '@'); at > 0 {
		if domain == "" {
			domain = user[at+1:]
		}
		user = user[:at]
	}
	return user + "@" + owner(domain)
}

// owner is the part of a host name that one company registered; a name under
// which everybody registers, or an IP address, stands for itself.
func owner(host string) string {
	if own := outbound.OwnDomain(host); own != "" {
		return own
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
