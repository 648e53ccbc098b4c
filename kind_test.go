package kalends_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	kalends "kalends"
)

func TestReasonOf(t *testing.T) {
	t.Parallel()
	own := kalends.NewCause(kalends.CauseTLS, "host", "mail.musterwerk.example")
	for name, c := range map[string]struct {
		err  error
		want *kalends.Cause
	}{
		"nothing":               {nil, nil},
		"its own cause":         {&kalends.Error{Kind: kalends.KindInvalid, Cause: own}, own},
		"a cause below":         {&kalends.Error{Kind: kalends.KindDenied, Err: &kalends.Error{Cause: own}}, own},
		"refused credential":    {kalends.Errorf(kalends.KindUnauthorized, "x"), kalends.NewCause(kalends.CauseCredentialsExpired)},
		"a refused mailbox":     {kalends.Errorf(kalends.KindDenied, "x"), kalends.NewCause(kalends.CauseNotPermitted)},
		"too much":              {kalends.Errorf(kalends.KindThrottled, "x"), kalends.NewCause(kalends.CauseThrottled)},
		"no answer":             {kalends.Errorf(kalends.KindUnavailable, "x"), kalends.NewCause(kalends.CauseServerUnavailable)},
		"out of time":           {fmt.Errorf("find: %w", context.DeadlineExceeded), kalends.NewCause(kalends.CauseServerUnavailable)},
		"our own mistake":       {kalends.Errorf(kalends.KindInternal, "x"), kalends.NewCause(kalends.CauseInternal)},
		"of no kind":            {errors.New("x"), kalends.NewCause(kalends.CauseInternal)},
		"not found, of what?":   {kalends.Errorf(kalends.KindNotFound, "x"), nil},
		"a cursor that is gone": {kalends.Errorf(kalends.KindGone, "x"), nil},
		"somebody was faster":   {kalends.Errorf(kalends.KindConflict, "x"), nil},
		"a wrong input":         {kalends.Errorf(kalends.KindInvalid, "x"), nil},
		"another version":       {kalends.Errorf(kalends.KindUnsupported, "x"), nil},
	} {
		if diff := cmp.Diff(c.want, kalends.ReasonOf(c.err)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
