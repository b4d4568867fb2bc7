package postgres_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/postgres"
	"github.com/fazt-sh/fazt/storage/postgres/pgtest"
)

// logged is what a store has said to its operator.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) has(s string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), s)
}

// eventually waits for what the presence notices within its interval.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never was so that %s", what)
		}
	}
}

// TestState: what a write survives is what the database's settings make of it, now and
// not when the store was opened.
func TestState(t *testing.T) {
	c := pgtest.Start(t, "fsync=on")
	var log logged
	s, err := postgres.Open(t.Context(), c.Database(t), postgres.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	want := storage.State{Durable: true, Settings: `fsync=on, synchronous_commit=on, synchronous_standby_names=""`}
	if got := s.State(); got != want || !log.has("and not its loss") { // at once
		t.Errorf("%+v", got)
	}
	for _, tt := range []struct {
		set                 []string
		durable, replicated bool
		said                string
	}{
		{[]string{"synchronous_standby_names = 'elsewhere'"}, true, true, "survive the loss"},
		{[]string{"synchronous_commit = remote_apply"}, true, true, ""},
		{[]string{"synchronous_commit = remote_write"}, true, false, ""},
		{[]string{"synchronous_commit = local"}, true, false, ""},
		{[]string{"synchronous_commit = off"}, false, false, "NOT durable"},
		{[]string{"synchronous_commit = on", "fsync = off"}, false, false, ""},
	} {
		for _, set := range tt.set {
			c.Exec(t, "postgres", "ALTER SYSTEM SET "+set)
		}
		c.Exec(t, "postgres", "SELECT pg_reload_conf()")
		name, value, _ := strings.Cut(tt.set[len(tt.set)-1], " = ")
		eventually(t, "the settings have "+name, func() bool {
			return strings.Contains(s.State().Settings, name+"="+value) || strings.Contains(s.State().Settings, `="elsewhere"`) && value == "'elsewhere'"
		})
		if got := s.State(); got.Durable != tt.durable || got.Replicated != tt.replicated || got.Unreachable || !log.has(tt.said) {
			t.Errorf("%v: %+v", tt.set, got)
		}
	}
}

// TestSilentDatabase: a database that takes connections and says nothing is one that is
// away. Whoever waits for it is told, also without a deadline, and the next at once.
func TestSilentDatabase(t *testing.T) {
	c := pgtest.Start(t)
	s, err := postgres.Open(t.Context(), c.Database(t), postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	read := func() error {
		return s.Read(context.Background(), func(tx storage.SQL) error {
			return tx.Query("SELECT 1", nil, func(scan func(...any) error) error { return nil })
		})
	}
	write := func() error {
		return s.Write(context.Background(), func(tx storage.SQL) error {
			_, err := tx.Exec("UPDATE usage SET bytes = bytes WHERE app = ?", "none")
			return err
		})
	}
	if err := read(); err != nil {
		t.Fatal(err)
	}
	c.Pause(t)
	errs := make(chan error, 8)
	for range 4 {
		go func() { errs <- read() }()
		go func() { errs <- write() }()
	}
	for range cap(errs) {
		if err := <-errs; storage.CodeOf(err) != storage.CodeUnavailable && storage.CodeOf(err) != storage.CodeUncertain {
			t.Errorf("a call that was under way: %v", err)
		}
	}
	eventually(t, "the database is away", func() bool { return s.State().Unreachable })
	for range 100 {
		if err := read(); storage.CodeOf(err) != storage.CodeUnavailable {
			t.Fatalf("a read while it is away: %v", err)
		}
		if err := write(); storage.CodeOf(err) != storage.CodeUnavailable {
			t.Fatalf("a write while it is away: %v", err)
		}
	}
	c.Resume(t)
	eventually(t, "the database is back", func() bool { return !s.State().Unreachable })
	if err := read(); err != nil {
		t.Error(err)
	}
	if err := write(); err != nil {
		t.Error(err)
	}
}
