package connect_test

import (
	"context"
	"slices"
	"testing"

	kalends "kalends"
	"kalends/provider"
)

// failing is a driver whose check fails before the sign-in, with attempts.
type failing struct {
	provider.Driver
	attempts []kalends.Attempt
}

func (f failing) Check(_ context.Context, _ provider.CheckRequest, report func(kalends.Step)) (provider.CheckResult, error) {
	err := &kalends.Error{Kind: kalends.KindInvalid, Cause: kalends.NewCause(kalends.CauseServerNotFound, "domain", "musterwerk.example")}
	report(kalends.Step{Key: kalends.StepAutodiscover, Status: kalends.StepFailed, Cause: err.Cause, Attempts: f.attempts})
	return provider.CheckResult{}, err
}

// What became of a try is told for the port that everybody asks. Elsewhere an
// open port reads like a closed one.
func TestErrAttemptsDoNotShowPorts(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	told := kalends.Attempt{What: "https://mail.musterwerk.example/autodiscover/autodiscover.svc", Method: "soap", Result: "redirect", Target: "https://owa.musterwerk.example/", Status: 302}
	open := kalends.Attempt{What: "https://mail.musterwerk.example:8443/autodiscover/autodiscover.xml", Method: "pox", Result: "not_autodiscover", Target: "x", Status: 200}
	silent := kalends.Attempt{What: "https://mail.musterwerk.example/autodiscover/autodiscover.xml", Method: "pox", Result: string(kalends.CauseServerUnavailable)}
	h.withDriver(func(d provider.Driver, _ kalends.Credentials) provider.Driver {
		return failing{d, []kalends.Attempt{told, open, silent}}
	})
	view := h.check(h.authorize(), h.world.Credentials())
	open.Result, open.Target, open.Status, silent.Result = "no_answer", "", 0, "no_answer"
	if want := []kalends.Attempt{told, open, silent}; len(view.Steps) != 1 || !slices.Equal(view.Steps[0].Attempts, want) {
		t.Errorf("told %+v, want %+v", view.Steps, want)
	}
}
