package console_test

import (
	"strings"
	"testing"
	"time"

	kalends "kalends"
)

// A calendar system that keeps us waiting is no alarm: connected, and until when.
func TestAThrottledConnectionIsShownCalmly(t *testing.T) {
	t.Parallel()
	h := newHub()
	h.list = connections()[:1]
	until := time.Date(2026, 11, 23, 13, 5, 0, 0, time.UTC)
	h.list[0].Cause = kalends.NewCause(kalends.CauseThrottled, "until", until.Format(time.RFC3339))
	v := visit(t, h)
	v.post("/enterprise_connect/link/good")
	for path, wants := range map[string][]string{
		"/enterprise_connect":                   {"connected", "Server asks to wait"},
		"/enterprise_connect/connections/con_1": {"connected", "The calendar system is limiting our requests until 23 Nov 2026, ", "(CET)", "we go on by ourselves.", "notice is-waiting"},
	} {
		_, body := v.get(path)
		for _, want := range wants {
			if !strings.Contains(body, want) {
				t.Errorf("%s does not say %q", path, want)
			}
		}
		if strings.Contains(body, "notice is-warning") || strings.Contains(body, "notice is-error") || strings.Contains(body, "degraded") {
			t.Errorf("%s is alarmed", path)
		}
	}
}
