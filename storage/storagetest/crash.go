package storagetest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fazt-sh/fazt/storage"
)

// WriteUntilKilled writes to an app from 32 goroutines, and prints each key, a
// line each, once it is acknowledged. It does not return. It is what the process
// of a [Killer] does.
func WriteUntilKilled(s storage.Store, app, round string, out io.Writer) {
	var mu sync.Mutex
	for g := range 32 {
		go func() {
			for n := 0; ; n++ {
				key := fmt.Sprintf("%s-%d-%d", round, g, n)
				err := writeThrice(s, app, key)
				mu.Lock()
				if err != nil {
					fmt.Fprintln(out, "error", err)
				} else {
					fmt.Fprintln(out, key)
				}
				mu.Unlock()
			}
		}()
	}
	select {}
}

// queuedScope is where a pipeline sets each key, too.
func queuedScope(app string) storage.Scope { return storage.Scope{App: app, User: "queued"} }

// writeThrice makes three rows in one transaction: a key, a document with its
// entry in an index, and a count of them. Beside it goes a key through a pipeline,
// but for the first of all, which finds a store that queues nothing yet.
func writeThrice(s storage.Store, app, key string) error {
	ctx, p := context.Background(), s.Pipeline()
	queued, err := p.Set(ctx, queuedScope(app), key, json.RawMessage(`1`), 0)
	if err == nil && !queued {
		err = s.Tx(ctx, queuedScope(app), func(tx storage.Tx) error { return tx.KV().Set(key, json.RawMessage(`1`), 0) })
	}
	return errors.Join(err, s.Tx(ctx, storage.Scope{App: app}, func(tx storage.Tx) error {
		if err := tx.KV().Set(key, json.RawMessage(`1`), 0); err != nil {
			return err
		}
		if _, err := tx.Docs().Insert("items", fmt.Appendf(nil, `{"id":%q,"key":%[1]q}`, key)); err != nil {
			return err
		}
		_, err := tx.KV().Incr("count", 1)
		return err
	}), p.Wait())
}

// PublishWritten publishes the app that [WriteUntilKilled] writes to, and returns
// its id.
func PublishWritten(tb testing.TB, s storage.Store) (app string) {
	tb.Helper()
	d, err := s.Publish(tb.Context(), storage.NewDeployment{Name: "shop", Indexes: map[string][]string{"items": {"key"}}}, 3)
	if err != nil {
		tb.Fatal(err)
	}
	return d.AppID
}

// Crash has a process write to an app, kills it at a random moment, and returns
// what it had acknowledged. Rounds tell the keys of one process from another's.
func Crash(tb testing.TB, k Killer, app string, round int) (acknowledged []string) {
	tb.Helper()
	p := k.StartWriter(tb, app, round)
	lines := bufio.NewScanner(p.Output)
	add := func(line string) {
		if strings.HasPrefix(line, "error") {
			tb.Errorf("the process got an %s", line)
		} else if strings.Count(line, "-") == 2 { // and not cut off by the kill
			acknowledged = append(acknowledged, line)
		}
	}
	for range 1 + rand.IntN(2000) {
		if !lines.Scan() {
			tb.Fatalf("the process printed no more: %v", lines.Err())
		}
		add(lines.Text())
	}
	if err := p.Kill(); err != nil {
		tb.Fatal(err)
	}
	for lines.Scan() { // what it had printed by then counts
		add(lines.Text())
	}
	p.Wait()
	return acknowledged
}

// Damage compares a store with what was acknowledged, of late and before that,
// and returns what is wrong with it.
func Damage(tb testing.TB, s storage.Store, app string, late, before []string) (wrong []string) {
	tb.Helper()
	report := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if err := s.View(tb.Context(), storage.Scope{App: app}, func(tx storage.Tx) error {
		for _, key := range slices.Concat(late, before) {
			if _, err := tx.KV().Get(key); err != nil {
				report("%s was acknowledged: %v", key, err)
			}
		}
		for _, key := range late {
			n, err := tx.Docs().Count("items", fmt.Appendf(nil, `{"key":%q}`, key))
			if err != nil || n != 1 {
				report("%s was acknowledged, and the index finds %d: %v", key, n, err)
			}
		}
		return nil
	}); err != nil {
		tb.Fatal(err)
	}
	for _, key := range slices.Concat(late, before) {
		if _, err := s.Get(tb.Context(), queuedScope(app), key); err != nil {
			report("%s was queued and acknowledged: %v", key, err)
		}
	}
	halves, err := s.Query(tb.Context(), strings.ReplaceAll(`SELECT
		(SELECT count(*) FROM kv k WHERE app = 'APP' AND "user" = '' AND key <> 'count' AND NOT EXISTS (
			SELECT 1 FROM docs WHERE app = 'APP' AND "user" = '' AND collection = 'items' AND id = k.key)) +
		(SELECT count(*) FROM docs d WHERE app = 'APP' AND NOT EXISTS (
			SELECT 1 FROM kv WHERE app = 'APP' AND "user" = '' AND key = d.id)) +
		abs((SELECT count(*) FROM docs WHERE app = 'APP') -
			(SELECT coalesce(max(CAST(value AS INTEGER)), 0) FROM kv WHERE app = 'APP' AND key = 'count'))`, "APP", app), 1)
	if err != nil {
		tb.Fatal(err)
	}
	if n := halves.Rows[0][0]; n != int64(0) {
		report("%v rows of transactions that were kept by half", n)
	}
	return wrong
}

// testKilled kills a process that writes, again and again on the same data: 5
// times, or 50 with FAZT_LONG=1.
func testKilled(t *testing.T, k Killer, s storage.Store) {
	rounds := 5
	if os.Getenv("FAZT_LONG") == "1" {
		rounds = 50
	}
	app := PublishWritten(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var acknowledged []string
	for round := range rounds {
		late := Crash(t, k, app, round)
		reopened := k.Reopen(t)
		for _, wrong := range Damage(t, reopened, app, late, acknowledged) {
			t.Errorf("round %d: %s", round, wrong)
		}
		if err := reopened.Close(); err != nil {
			t.Error(err)
		}
		if c, ok := k.(Checker); ok {
			c.Check(t)
		}
		acknowledged = append(acknowledged, late...)
	}
	t.Logf("%d rounds, %d acknowledged writes", rounds, len(acknowledged))
}
