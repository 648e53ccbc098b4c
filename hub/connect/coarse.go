package connect

import (
	"net"
	"net/url"

	kalends "kalends"
)

// A check runs against whatever server somebody names, so its answers must not
// serve to look around in the network of this installation: before the sign-in
// was accepted nothing is told that an outsider could not see for himself.

// beforeSignIn are the lines in which the server is not yet proven to be the
// administrator's own.
func beforeSignIn(key kalends.StepKey) bool {
	switch key {
	case kalends.StepAutodiscover, kalends.StepReach, kalends.StepTLS, kalends.StepSignIn, kalends.StepVersion:
		return true
	}
	return false
}

// coarseStep is a check's line as it may be stored and shown.
func coarseStep(step kalends.Step) kalends.Step {
	if !beforeSignIn(step.Key) {
		return step
	}
	step.Detail = ""
	if step.Status == kalends.StepFailed || step.Status == kalends.StepWarning {
		step.Milliseconds = 0
	}
	step.Facts = knownFacts(step.Facts)
	step.Cause = coarseCause(step.Cause)
	attempts := make([]kalends.Attempt, len(step.Attempts))
	for i, attempt := range step.Attempts {
		attempts[i] = coarseAttempt(attempt)
	}
	step.Attempts = attempts
	return step
}

// coarseCause merges what would tell a closed port from a silent one, and drops
// addresses and the server's own words.
func coarseCause(cause *kalends.Cause) *kalends.Cause {
	if cause == nil {
		return nil
	}
	key := cause.Key
	if key == kalends.CauseServerUnavailable {
		key = kalends.CauseServerNotFound
	}
	return &kalends.Cause{Key: key, Facts: knownFacts(cause.Facts)}
}

// knownFacts keeps what the administrator entered or needs for the fix.
func knownFacts(facts map[string]string) map[string]string {
	kept := map[string]string{}
	for _, name := range []string{"host", "url", "domain", "email", "account", "version", "offered", "reason", "until", "mailbox"} {
		if value := facts[name]; value != "" && net.ParseIP(value) == nil {
			kept[name] = value
		}
	}
	if len(kept) == 0 {
		return nil
	}
	return kept
}

// coarseAttempt keeps what became of a try only where the port is the one that
// everybody asks.
func coarseAttempt(a kalends.Attempt) kalends.Attempt {
	closed := kalends.Attempt{What: a.What, Method: a.Method, Result: "no_answer"}
	if target, err := url.Parse(a.What); err == nil && target.Host != "" && target.Port() != "" && target.Port() != "443" {
		return closed
	}
	switch a.Result {
	case "timeout", "unavailable", "reset", string(kalends.CauseServerUnavailable):
		return closed
	}
	return a
}
