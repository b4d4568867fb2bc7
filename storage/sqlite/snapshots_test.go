package sqlite_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// ending returns a context whose operations have their snapshots ended, so many times,
// and whatever else is open too; and how often that was.
func ending(ctx context.Context, s *sqlite.Store, times int) (context.Context, *int) {
	ended := new(int)
	return storage.WithPacer(ctx, &pacer{pace: func(context.Context) error {
		if *ended < times {
			*ended++
			sqlite.EndSnapshots(s)
		}
		return nil
	}}), ended
}

// TestReadsBeginAnew ends the snapshots of reads whose result nobody has seen yet. They
// are made again on a later one, and give up when that happens again and again.
func TestReadsBeginAnew(t *testing.T) {
	s := largeCollection(t)
	defer s.Close()
	reads := map[string]func(tx storage.Tx) (int, error){
		"count": func(tx storage.Tx) (int, error) {
			return tx.Docs().Count("items", json.RawMessage(`{"n":{"$lt":10}}`))
		},
		"find": func(tx storage.Tx) (int, error) {
			found, err := tx.Docs().Find("items", json.RawMessage(`{"n":{"$lt":10}}`), storage.FindOptions{})
			return len(found), err
		},
		"sorted": func(tx storage.Tx) (int, error) {
			found, err := tx.Docs().Find("items", nil, storage.FindOptions{Sort: "n", Limit: 80})
			return len(found), err
		},
	}
	for name, read := range reads {
		t.Run(name, func(t *testing.T) {
			ctx, ended := ending(t.Context(), s, sqlite.MaxRestarts)
			n := 0
			err := s.View(ctx, benchScope, func(tx storage.Tx) (err error) {
				n, err = read(tx)
				return err
			})
			if n != 80 || err != nil || *ended != sqlite.MaxRestarts {
				t.Errorf("%d documents, %v, and %d snapshots were ended", n, err, *ended)
			}
			ctx, _ = ending(t.Context(), s, sqlite.MaxRestarts+1)
			err = s.View(ctx, benchScope, func(tx storage.Tx) error {
				_, err := read(tx)
				return err
			})
			if storage.CodeOf(err) != storage.CodeOverloaded {
				t.Errorf("ended once more: %v, want %s", err, storage.CodeOverloaded)
			}
			// A second operation would see another state than the first.
			ctx, _ = ending(t.Context(), s, 1)
			err = s.View(ctx, benchScope, func(tx storage.Tx) error {
				if _, err := tx.KV().Get("k"); storage.CodeOf(err) != storage.CodeNotFound {
					return err
				}
				_, err := read(tx)
				return err
			})
			if storage.CodeOf(err) != storage.CodeOverloaded {
				t.Errorf("a second operation: %v, want %s", err, storage.CodeOverloaded)
			}
		})
	}
}

// TestSearchesGoOn ends the snapshots of searches for what is to be written more
// often than a read may begin anew. They go on where they were, as their app's.
func TestSearchesGoOn(t *testing.T) {
	const often = 4 * sqlite.MaxRestarts
	query, changes := json.RawMessage(`{"n":{"$lt":10}}`), json.RawMessage(`{"$set":{"found":true}}`)
	writes := map[string]func(context.Context, *sqlite.Store) (int, error){
		"chunks": func(ctx context.Context, s *sqlite.Store) (int, error) {
			return s.InChunks(ctx, benchScope).Update("items", query, changes)
		},
		"one transaction": func(ctx context.Context, s *sqlite.Store) (n int, err error) {
			err = s.Tx(ctx, benchScope, func(tx storage.Tx) (err error) {
				n, err = tx.Docs().Update("items", query, changes)
				return err
			})
			return n, err
		},
	}
	for name, write := range writes {
		t.Run(name, func(t *testing.T) {
			s := largeCollection(t)
			defer s.Close()
			ended := 0
			ctx := storage.WithPacer(t.Context(), &pacer{pace: func(context.Context) error {
				if diff := cmp.Diff([]string{benchScope.App}, sqlite.ReadingApps(s)); diff != "" {
					return errors.New("those who read: -want +got\n" + diff)
				}
				if ended < often {
					ended++
					sqlite.EndSnapshots(s)
				}
				return nil
			}})
			if n, err := write(ctx, s); n != 80 || err != nil || ended != often {
				t.Errorf("%d documents, %v, and %d snapshots were ended", n, err, ended)
			}
			if err := s.View(t.Context(), benchScope, func(tx storage.Tx) error {
				n, err := tx.Docs().Count("items", json.RawMessage(`{"found":true}`))
				if n != 80 {
					t.Errorf("%d documents were written", n)
				}
				return err
			}); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestScanOutOfTime has the time of scans be up while they go on. Their errors say what
// would have helped.
func TestScanOutOfTime(t *testing.T) {
	s := largeCollection(t)
	defer s.Close()
	late := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	for _, opt := range []storage.FindOptions{{}, {Sort: "n", Limit: 20}} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := s.View(storage.WithPacer(ctx, &pacer{pace: late}), benchScope, func(tx storage.Tx) error {
			_, err := tx.Docs().Find("items", json.RawMessage(`{"n":{"$gte":0}}`), opt)
			return err
		})
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "index the fields") {
			t.Errorf("%+v: %v", opt, err)
		}
	}
}
