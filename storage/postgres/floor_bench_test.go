package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/postgres"
	"github.com/fazt-sh/fazt/storage/postgres/pgtest"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

const (
	// floorCallers is how many wait at once, each for one thing after another.
	floorCallers = 64
	floorKeys    = 10_000
)

// The statements of a get and of a set, as the store makes them.
const (
	floorGet = `SELECT value, version, expires_at FROM kv WHERE app = $1 AND "user" = $2 AND key = $3`
	floorSet = `WITH old AS (SELECT octet_length(value) AS size FROM kv WHERE app = $1 AND "user" = $2 AND key = $3)
		INSERT INTO kv (app, "user", key, value, version, expires_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (app, "user", key) DO UPDATE
		SET value = excluded.value, version = excluded.version, expires_at = excluded.expires_at
		RETURNING (SELECT size FROM old)`
)

// BenchmarkFloor has 64 callers get and set keys on a database that keeps what it
// acknowledges, beside a bare loop of the driver's with the same statements on as many
// connections, and find documents and check sessions beside SQLite. An operation is one
// caller's.
func BenchmarkFloor(b *testing.B) {
	url := pgtest.Start(b, "fsync=on").Database(b)
	s := open(b, url)
	lite, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "data.db"), sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { lite.Close() })
	bare, err := pgxpool.New(b.Context(), url+fmt.Sprintf("&pool_max_conns=%d", postgres.DefaultMaxConns))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(bare.Close)
	ctx, value := context.Background(), json.RawMessage(`"`+fmt.Sprintf("%0254d", 0)+`"`)
	key := func(i int64) string { return fmt.Sprintf("key-%d", i%floorKeys) }
	scopes := make(map[storage.Store]storage.Scope)
	for _, s := range []storage.Store{s, lite} {
		scopes[s] = fillFloor(b, s, value, key)
	}
	var version atomic.Int64
	version.Store(1 << 50)
	setting := func(s storage.Store) func(int64) error {
		return func(i int64) error {
			return s.Tx(ctx, scopes[s], func(tx storage.Tx) error { return tx.KV().Set(key(i), value, 0) })
		}
	}
	getting := func(s storage.Store) func(int64) error {
		return func(i int64) error { _, err := s.Get(ctx, scopes[s], key(i)); return err }
	}
	finding := func(s storage.Store) func(int64) error {
		return func(i int64) error {
			found, err := s.Find(ctx, scopes[s], "items", fmt.Appendf(nil, `{"n":%d}`, i%floorKeys), storage.FindOptions{})
			if err == nil && len(found) != 1 {
				err = fmt.Errorf("found %d documents", len(found))
			}
			return err
		}
	}
	checking := func(s storage.Store) func(int64) error {
		return func(i int64) error {
			return s.Read(ctx, func(q storage.SQL) error {
				return q.Query(`SELECT u.name FROM floor_sessions s JOIN floor_users u ON u.id = s.user_id WHERE s.token_hash = ?`,
					[]any{key(i)}, func(scan func(...any) error) error { var name string; return scan(&name) })
			})
		}
	}
	for _, bench := range []struct {
		name string
		op   func(i int64) error
	}{
		{"get/bare", func(i int64) error {
			var value string
			var version, expires int64
			return bare.QueryRow(ctx, floorGet, scopes[s].App, "", key(i)).Scan(&value, &version, &expires)
		}},
		{"get/postgres", getting(s)},
		{"get/sqlite", getting(lite)},
		{"set/bare", func(i int64) error {
			var old *int64
			return bare.QueryRow(ctx, floorSet, scopes[s].App, "", key(i), string(value), version.Add(1), 0).Scan(&old)
		}},
		{"set/postgres", setting(s)},
		{"set/sqlite", setting(lite)},
		{"find/postgres", finding(s)},
		{"find/sqlite", finding(lite)},
		{"session/postgres", checking(s)},
		{"session/sqlite", checking(lite)},
	} {
		b.Run(bench.name, func(b *testing.B) { atOnce(b, bench.op) })
	}
}

// atOnce has all callers call op.
func atOnce(b *testing.B, op func(i int64) error) {
	var next atomic.Int64
	b.SetParallelism(max(1, floorCallers/runtime.GOMAXPROCS(0))) // it is for each processor
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := op(next.Add(1)); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}

// fillFloor stores what is read later: keys, documents with an index, and sessions with
// their users.
func fillFloor(b *testing.B, s storage.Store, value json.RawMessage, key func(int64) string) storage.Scope {
	b.Helper()
	check := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	check(s.Migrate(b.Context(), "floor", []string{
		`CREATE TABLE floor_users (id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL)`,
		`CREATE TABLE floor_sessions (token_hash TEXT NOT NULL PRIMARY KEY, user_id TEXT NOT NULL)`,
	}))
	made, err := s.Publish(b.Context(), storage.NewDeployment{Name: "floor", Indexes: map[string][]string{"items": {"n"}}}, 1)
	check(err)
	scope := storage.Scope{App: made.AppID}
	const each = 500
	for from := int64(0); from < floorKeys; from += each {
		check(s.Tx(b.Context(), scope, func(tx storage.Tx) error {
			for i := from; i < from+each; i++ {
				if err := tx.KV().Set(key(i), value, 0); err != nil {
					return err
				}
				if _, err := tx.Docs().Insert("items", fmt.Appendf(nil, `{"n":%d,"name":"document %[1]d","tags":["a","b"]}`, i)); err != nil {
					return err
				}
			}
			return nil
		}))
		check(s.Write(b.Context(), func(q storage.SQL) error {
			for i := from; i < from+each; i++ {
				if _, err := q.Exec("INSERT INTO floor_users (id, name) VALUES (?, ?)", key(i), "somebody"); err != nil {
					return err
				}
				if _, err := q.Exec("INSERT INTO floor_sessions (token_hash, user_id) VALUES (?, ?)", key(i), key(i)); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	return scope
}
