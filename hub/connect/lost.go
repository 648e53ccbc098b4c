package connect

import (
	"context"
	"time"

	kalends "kalends"
	"kalends/db"
	"kalends/store"
)

// grantOutlives is how long an application keeps its grant for somebody who
// cannot be reached any more: who comes back meanwhile needs no new code. It
// opens nothing, because nothing of the person is stored.
const grantOutlives = 30 * 24 * time.Hour

// letGo ends what is left of an account that is refused: what was read of its
// calendars at once, the grant when it has been out of reach for long.
func (a *applying) letGo(ctx context.Context) error {
	profiles, err := a.c.Store.PersonProfiles(ctx, a.tx, a.account.ID)
	if err != nil {
		return err
	}
	if len(profiles) == 0 {
		return a.endOldGrant(ctx)
	}
	return a.forgetProfiles(ctx, profiles)
}

func (a *applying) forgetProfiles(ctx context.Context, profiles []store.PersonProfile) error {
	for _, profile := range profiles {
		if _, err := a.c.Store.RevokeProfile(ctx, a.tx, a.account.ID, profile.ID); err != nil {
			return err
		}
	}
	return a.auditAccount(ctx, "account.lost")
}

func (a *applying) endOldGrant(ctx context.Context) error {
	grant, err := a.c.Store.LiveGrant(ctx, a.tx, a.account.OrganisationID, a.account.ID)
	if db.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	profiles, err := a.c.Store.Profiles(ctx, a.tx, a.account.ID)
	if err != nil {
		return err
	}
	for _, profile := range profiles {
		if profile.RevokedAt.After(a.tx.Now().Add(-grantOutlives)) {
			return nil
		}
	}
	if _, err := a.c.Store.RevokeGrant(ctx, a.tx, grant.ID); err != nil {
		return err
	}
	return a.auditAccount(ctx, "account.grant_ended")
}

// auditAccount writes down what the hub did by itself, and for what cause.
func (a *applying) auditAccount(ctx context.Context, action string) error {
	return a.audit(ctx, a.tx, kalends.Audit{
		ApplicationID: a.team.organisation.ApplicationID, OrganisationID: a.account.OrganisationID,
		ConnectionID: a.account.ConnectionID, Actor: actorHub, Action: action,
	}, "account", a.account.ID, "cause", string(keyOf(a.account.Cause)))
}
