package connect

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	kalends "kalends"
)

// One account shows whether the connections answer. If that takes long, it may be
// the one mailbox that hangs, and a second goes beside it. Never a third: two
// refused passwords are what a directory account takes.
const (
	probesAtMost  = 2
	probePatience = 3 * time.Second
	probeTime     = 45 * time.Second // then a probe that hangs makes room for another
)

// crew is what one node does for an organisation.
type crew struct {
	*Service
	organisationID string
	group          errgroup.Group
	proven         bool          // the connections answer
	probes         int           // whose end was not received yet
	ended          chan struct{} // one for each probe
}

// crew matches an organisation's due accounts until there are none. Whoever
// hangs then keeps no other crew from what becomes due.
func (s *Service) crew(ctx context.Context, organisationID string) {
	c := &crew{Service: s, organisationID: organisationID, ended: make(chan struct{}, probesAtMost)}
	c.group.SetLimit(matchAtOnce)
	done, err := false, error(nil)
	for ctx.Err() == nil && err == nil && !done {
		done, err = c.step(ctx)
	}
	if err != nil && ctx.Err() == nil {
		s.c.Log.WarnContext(ctx, "matching could not go on", "organisation", organisationID, "error", err)
	}
	if !c.proven {
		_ = c.group.Wait() // another crew would try a refused password anew
	}
	s.leave(organisationID)
	if done {
		s.wakeUp() // for what became due since
	}
	_ = c.group.Wait()
}

// step begins with the next accounts. It tells when there are none.
func (c *crew) step(ctx context.Context) (done bool, err error) {
	t, batch, err := c.nextBatch(ctx, c.organisationID, c.proven)
	if err != nil || len(batch) == 0 {
		return err == nil, err
	}
	if c.proven {
		c.match(ctx, t, batch)
	} else if c.probe(ctx, t, batch[0]); !c.outcome() {
		return false, nil
	}
	c.proven = !t.broken() && !c.isSilent(t)
	return false, nil
}

func (c *crew) match(ctx context.Context, t *team, batch []kalends.Account) {
	for _, account := range batch {
		c.group.Go(func() error {
			c.matchOne(ctx, t, account, matchTime)
			return nil
		})
	}
}

func (c *crew) probe(ctx context.Context, t *team, account kalends.Account) {
	c.probes++
	c.group.Go(func() error {
		c.matchOne(ctx, t, account, probeTime)
		c.ended <- struct{}{}
		return nil
	})
}

// outcome waits until a probe has ended, or tells that it is time for another.
func (c *crew) outcome() bool {
	var late <-chan time.Time
	if c.probes < probesAtMost {
		timer := time.NewTimer(c.probePatience)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-c.ended:
		c.probes--
		return true
	case <-late:
		return false
	}
}
