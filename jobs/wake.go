package jobs

import (
	"context"
	"database/sql"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riversqlite"
)

// wakingDriver is River's driver for SQLite with a listener that looks at once
// when this process has committed a job, and not only every 50 ms.
type wakingDriver struct {
	*riversqlite.Driver
	wake chan struct{}
}

func newWakingDriver(pool *sql.DB) wakingDriver {
	return wakingDriver{riversqlite.New(pool), make(chan struct{}, 1)}
}

// GetListener implements riverdriver.Driver.
func (d wakingDriver) GetListener(params *riverdriver.GetListenenerParams) riverdriver.Listener {
	return wakingListener{d.Driver.GetListener(params), d.wake}
}

// committed tells the listener that there is something to see.
func (d wakingDriver) committed() {
	select {
	case d.wake <- struct{}{}:
	default: // it has been told and did not look yet
	}
}

type wakingListener struct {
	riverdriver.Listener
	wake <-chan struct{}
}

// WaitForNotification waits as River's own listener does. Each time it is woken
// it begins to wait anew, which starts with a look.
func (l wakingListener) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	for {
		notification, woken, err := l.waitOnce(ctx)
		if err == nil || !woken || ctx.Err() != nil {
			return notification, err
		}
	}
}

func (l wakingListener) waitOnce(ctx context.Context) (n *riverdriver.Notification, woken bool, err error) {
	waiting, cancel := context.WithCancel(ctx)
	watched := make(chan bool, 1)
	go func() {
		select {
		case <-l.wake:
			cancel()
			watched <- true
		case <-waiting.Done():
			watched <- false
		}
	}()
	n, err = l.Listener.WaitForNotification(waiting)
	cancel()
	return n, <-watched, err
}
