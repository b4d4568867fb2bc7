package sqlite_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// crashChild writes from 32 goroutines, and prints each key once it is
// acknowledged, until it is killed.
func crashChild(args []string) error { return writeUntilKilled(args, func(*sqlite.Store) {}) }

// earlyChild is crashChild with the acknowledgement moved before the commit.
func earlyChild(args []string) error { return writeUntilKilled(args, sqlite.AcknowledgeEarly) }

func writeUntilKilled(args []string, prepare func(*sqlite.Store)) error {
	path, app, round := args[0], args[1], args[2]
	s, err := sqlite.Open(context.Background(), path, sqlite.Options{})
	if err != nil {
		return err
	}
	prepare(s)
	var out sync.Mutex
	for g := range 32 {
		go func() {
			for n := 0; ; n++ {
				key := fmt.Sprintf("%s-%d-%d", round, g, n)
				err := writeThrice(s, app, key)
				out.Lock()
				if err != nil {
					fmt.Println("error", err)
				} else {
					fmt.Println(key)
				}
				out.Unlock()
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
func writeThrice(s *sqlite.Store, app, key string) error {
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

// crash has a child write, kills it at a random moment, and returns what it
// had acknowledged.
func crash(t *testing.T, child, path, app string, round int) (acknowledged []string) {
	t.Helper()
	c := startChild(t, child, path, app, strconv.Itoa(round))
	add := func(line string) {
		if strings.HasPrefix(line, "error") {
			t.Errorf("the child got an %s", line)
		} else if strings.Count(line, "-") == 2 { // and not cut off by the kill
			acknowledged = append(acknowledged, line)
		}
	}
	for range 1 + rand.IntN(2000) {
		add(c.line(t))
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for c.lines.Scan() { // what it had printed by then counts
		add(c.lines.Text())
	}
	c.Wait()
	return acknowledged
}

// damage compares a data file with what was acknowledged, of late and before
// that, and returns what is wrong with it.
func damage(t *testing.T, path, app string, late, before []string) (wrong []string) {
	t.Helper()
	s := open(t, path)
	defer s.Close()
	report := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if err := s.View(t.Context(), storage.Scope{App: app}, func(tx storage.Tx) error {
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
		t.Fatal(err)
	}
	for _, key := range slices.Concat(late, before) {
		if _, err := s.Get(t.Context(), queuedScope(app), key); err != nil {
			report("%s was queued and acknowledged: %v", key, err)
		}
	}
	halves := count(t, s, strings.ReplaceAll(`SELECT
		(SELECT count(*) FROM kv k WHERE app = 'APP' AND user = '' AND key <> 'count' AND NOT EXISTS (
			SELECT 1 FROM docs WHERE app = 'APP' AND user = '' AND collection = 'items' AND id = k.key)) +
		(SELECT count(*) FROM docs d WHERE app = 'APP' AND NOT EXISTS (
			SELECT 1 FROM kv WHERE app = 'APP' AND user = '' AND key = d.id)) +
		abs((SELECT count(*) FROM docs WHERE app = 'APP') -
			(SELECT coalesce(max(CAST(value AS INTEGER)), 0) FROM kv WHERE app = 'APP' AND key = 'count')) +
		abs((SELECT count(*) FROM docs WHERE app = 'APP') - (SELECT count(*) FROM index_entries WHERE app = 'APP'))`, "APP", app))
	if halves != 0 {
		report("%d rows of transactions that were kept by half", halves)
	}
	if check := text(t, s, "PRAGMA integrity_check"); check != "ok" {
		report("integrity: %s", check)
	}
	return wrong
}

func crashFile(t *testing.T) (path, app string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "data.db")
	s := open(t, path)
	defer s.Close()
	return path, publish(t, s, "shop", map[string][]string{"items": {"key"}})
}

// TestKilled kills a process that writes, again and again on one data file: 5
// times, or 50 with FAZT_LONG=1.
func TestKilled(t *testing.T) {
	rounds := 5
	if os.Getenv("FAZT_LONG") == "1" {
		rounds = 50
	}
	path, app := crashFile(t)
	var acknowledged []string
	for round := range rounds {
		late := crash(t, "crash", path, app, round)
		for _, wrong := range damage(t, path, app, late, acknowledged) {
			t.Errorf("round %d: %s", round, wrong)
		}
		acknowledged = append(acknowledged, late...)
	}
	t.Logf("%d rounds, %d acknowledged writes", rounds, len(acknowledged))
}

// TestKilledTooEarly shows that TestKilled would notice an acknowledgement that
// is given before the commit. Whether a kill hits that moment is up to chance,
// about every other time, so it has many chances.
func TestKilledTooEarly(t *testing.T) {
	const chances = 50
	path, app := crashFile(t)
	for round := range chances {
		// Only what this round has acknowledged: it must be this crash that
		// loses it.
		if wrong := damage(t, path, app, crash(t, "early", path, app, round), nil); len(wrong) > 0 {
			t.Logf("found in round %d: %s", round, wrong[0])
			return
		}
	}
	t.Errorf("an acknowledgement before the commit went unnoticed %d times", chances)
}
