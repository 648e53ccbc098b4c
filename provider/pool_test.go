package provider_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	kalends "kalends"
	"kalends/provider"
	"kalends/provider/memory"
)

// closing counts the ends of a driver.
type closing struct {
	provider.Driver
	closed *atomic.Int64
}

func (c closing) Close() { c.closed.Add(1) }

func TestPoolOpensOneClientEach(t *testing.T) {
	t.Parallel()
	w, opened, closed := world(), atomic.Int64{}, atomic.Int64{}
	pool := provider.NewPool(func(context.Context, string) (provider.Driver, kalends.Provider, error) {
		opened.Add(1)
		return closing{w.Driver(), &closed}, kalends.Exchange, nil
	}, provider.Options{})
	clients := make([]*provider.Client, 20)
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() { clients[i], _ = pool.Client(t.Context(), "con_1") })
	}
	all.Wait()
	for _, c := range clients {
		if c == nil || c != clients[0] {
			t.Fatal("callers got different clients of one connection")
		}
	}
	if other, _ := pool.Client(t.Context(), "con_2"); other == clients[0] {
		t.Error("two connections share a client")
	}
	pool.Close()
	if opened.Load() != closed.Load() {
		t.Errorf("%d drivers opened, %d closed", opened.Load(), closed.Load())
	}
	if _, err := pool.Client(t.Context(), "con_1"); kalends.KindOf(err) != kalends.KindUnavailable {
		t.Errorf("after Close: %v", err)
	}
}

func TestPoolDropEndsCallsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := world()
		pool := provider.NewPool(func(context.Context, string) (provider.Driver, kalends.Provider, error) {
			return w.Driver(), kalends.Exchange, nil
		}, provider.Options{})
		defer pool.Close()
		w.Break(memory.Fault{Times: 1, Hang: make(chan struct{})})
		before, _ := pool.Client(t.Context(), "con_1")
		done := make(chan error)
		go func() {
			_, err := before.Find(t.Context(), alice)
			done <- err
		}()
		synctest.Wait()
		started := time.Now()
		pool.Drop("con_1")
		if err := <-done; kalends.KindOf(err) != kalends.KindUnavailable || time.Since(started) != 0 {
			t.Errorf("call under way ended with %v after %v", err, time.Since(started))
		}
		after, _ := pool.Client(t.Context(), "con_1")
		if after == before {
			t.Error("the dropped client is given again")
		}
		if _, err := after.Find(t.Context(), alice); err != nil {
			t.Error(err)
		}
	})
}

func TestErrPoolOpenFails(t *testing.T) {
	t.Parallel()
	missing := errors.New("no such connection")
	pool := provider.NewPool(func(context.Context, string) (provider.Driver, kalends.Provider, error) {
		return nil, "", missing
	}, provider.Options{})
	defer pool.Close()
	if _, err := pool.Client(t.Context(), "con_1"); !errors.Is(err, missing) {
		t.Errorf("error = %v", err)
	}
}

// stored is what a database that processes share says of credentials.
type stored struct {
	version string
	err     error
	asked   int
}

func (s *stored) read(context.Context, string) (string, error) {
	s.asked++
	return s.version, s.err
}

func followed(t *testing.T, do func(t *testing.T, pool *provider.Pool, s *stored)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w, s := world(), &stored{version: "1"}
		pool := provider.NewPool(func(context.Context, string) (provider.Driver, kalends.Provider, error) {
			if s.version == "" {
				return nil, "", kalends.Errorf(kalends.KindNotFound, "no credentials")
			}
			return w.Driver(), kalends.Exchange, nil
		}, provider.Options{})
		defer pool.Close()
		pool.Follow(s.read)
		do(t, pool, s)
	})
}

func TestPoolNoticesCredentialsChangedElsewhere(t *testing.T) {
	t.Parallel()
	followed(t, func(t *testing.T, pool *provider.Pool, s *stored) {
		before, _ := pool.Client(t.Context(), "con_1")
		time.Sleep(2 * time.Second) // of the bubble
		if same, _ := pool.Client(t.Context(), "con_1"); same != before {
			t.Fatal("opened anew although nothing changed")
		}
		s.version = "2"
		time.Sleep(time.Second)
		after, err := pool.Client(t.Context(), "con_1")
		if err != nil || after == before {
			t.Fatalf("the client with the old credentials is given on (%v)", err)
		}
		if _, err := before.Find(t.Context(), alice); kalends.KindOf(err) != kalends.KindUnavailable {
			t.Errorf("the old client still asks: %v", err)
		}
		if _, err := after.Find(t.Context(), alice); err != nil {
			t.Error(err)
		}
		s.version = ""
		time.Sleep(time.Second)
		if _, err := pool.Client(t.Context(), "con_1"); kalends.KindOf(err) != kalends.KindNotFound {
			t.Errorf("ended elsewhere, and here: %v", err)
		}
	})
}

func TestPoolLooksOnceASecond(t *testing.T) {
	t.Parallel()
	followed(t, func(t *testing.T, pool *provider.Pool, s *stored) {
		for range 100 {
			if _, err := pool.Client(t.Context(), "con_1"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if s.asked != 10 {
			t.Errorf("asked %d times in ten seconds", s.asked)
		}
	})
}

func TestErrPoolCannotLook(t *testing.T) {
	t.Parallel()
	followed(t, func(t *testing.T, pool *provider.Pool, s *stored) {
		before, _ := pool.Client(t.Context(), "con_1")
		time.Sleep(time.Second)
		s.err = errors.New("no database")
		for range 2 {
			if _, err := pool.Client(t.Context(), "con_1"); !errors.Is(err, s.err) {
				t.Errorf("error = %v", err)
			}
		}
		s.err = nil
		if after, err := pool.Client(t.Context(), "con_1"); err != nil || after != before {
			t.Errorf("the client was not kept over a passing fault (%v)", err)
		}
	})
}
