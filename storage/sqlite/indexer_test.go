package sqlite_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// enoughScans of a collection make an index of what they name, and a few more.
const enoughScans = 35

// findTimes finds so many times, and wants the same number of documents each time.
func findTimes(t testing.TB, s *sqlite.Store, scope storage.Scope, times int, query string, opt storage.FindOptions, want int) {
	t.Helper()
	for range times {
		found, err := s.Find(t.Context(), scope, "items", json.RawMessage(query), opt)
		if err != nil || len(found) != want {
			t.Fatalf("%s: %d documents, want %d: %v", query, len(found), want, err)
		}
	}
}

// decide lets the indexer decide, and build.
func decide() {
	synctest.Wait()
	wait(10 * time.Second)
	synctest.Wait()
}

// wantIndexes compares the indexes of an app's only collection, and what scans cost.
func wantIndexes(t testing.TB, s *sqlite.Store, app string, want ...storage.Index) storage.CollectionIndexes {
	t.Helper()
	all, err := s.Indexes(t.Context(), app)
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	if diff := cmp.Diff(want, all[0].Indexes, cmpopts.IgnoreFields(storage.Index{}, "UsedAt")); diff != "" {
		t.Fatalf("indexes (-want +got):\n%s", diff)
	}
	return all[0]
}

func itself(fields ...string) (indexes []storage.Index) {
	for _, field := range fields {
		indexes = append(indexes, storage.Index{Field: field, Automatic: true, Ready: true})
	}
	return indexes
}

// TestIndexMakesItself scans a collection until it has an index, while documents are
// inserted, changed and deleted for several users.
func TestIndexMakesItself(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		app := publish(t, s, "shop", nil)
		scope, other := storage.Scope{App: app}, storage.Scope{App: app, User: "ann"}
		insertDocs(t, s, scope, "items", 0, 3000)
		insertDocs(t, s, other, "items", 0, 500)

		findTimes(t, s, scope, 3, `{"rare":70}`, storage.FindOptions{}, 10)
		decide()
		wantIndexes(t, s, app)
		// Half of the documents have the other field, so that an index of that is no help.
		findTimes(t, s, scope, 2*enoughScans, `{"common":0,"rare":70}`, storage.FindOptions{}, 5)
		decide()
		wantIndexes(t, s, app, itself("rare")...)
		verifyIndexes(t, s)
		got, err := s.Indexes(t.Context(), app)
		if err != nil || got[0].Documents != 3500 || got[0].Scans != 3+2*enoughScans || got[0].Scanned != 3000*got[0].Scans {
			t.Errorf("%+v, %v", got, err)
		}

		// It is in use now.
		findTimes(t, s, scope, enoughScans, `{"common":0,"rare":70}`, storage.FindOptions{}, 5)
		findTimes(t, s, other, 1, `{"rare":7}`, storage.FindOptions{}, 10)
		decide()
		after := wantIndexes(t, s, app, itself("rare")...)
		if after.Scans != got[0].Scans {
			t.Errorf("%d scans of an indexed field", after.Scans-got[0].Scans)
		}

		// A sort is asked for too, and a range, and what updates and deletes look for.
		findTimes(t, s, scope, 2*enoughScans, `{}`, storage.FindOptions{Sort: "n", Desc: true, Limit: 20}, 20)
		decide()
		for i := range 2 * enoughScans {
			if err := s.Tx(t.Context(), scope, func(tx storage.Tx) error {
				_, err := tx.Docs().Update("items", json.RawMessage(fmt.Sprintf(`{"name":{"$prefix":"name 00%04d"}}`, i)), json.RawMessage(`{"seen":true}`))
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		decide()
		wantIndexes(t, s, app, itself("n", "name", "rare")...)
		verifyIndexes(t, s)

		// A deploy that asks for one of them keeps it, and the next lets it go.
		publish(t, s, "shop", map[string][]string{"items": {"name"}})
		wantIndexes(t, s, app, storage.Index{Field: "n", Automatic: true, Ready: true}, storage.Index{Field: "name", Ready: true},
			storage.Index{Field: "rare", Automatic: true, Ready: true})
		publish(t, s, "shop", nil)
		wantIndexes(t, s, app, itself("n", "rare")...)

		if err := s.RemoveApp(t.Context(), app, false); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		wantCount(t, s, "entries of a removed app", "SELECT count(*) FROM index_entries", 0)
		wantCount(t, s, "indexes of a removed app", "SELECT count(*) FROM indexes", 0)
	})
}

// TestIndexIsNotMade has finds that read much, and collections that should have no
// index for it.
func TestIndexIsNotMade(t *testing.T) {
	for _, tt := range []struct {
		name      string
		documents int
		find      func(t *testing.T, s *sqlite.Store, scope storage.Scope)
	}{
		{"small", storage.ScanDocuments, func(t *testing.T, s *sqlite.Store, scope storage.Scope) {
			findTimes(t, s, scope, 3*enoughScans, `{"rare":7}`, storage.FindOptions{}, 10)
		}},
		{"most of them match", 2000, func(t *testing.T, s *sqlite.Store, scope storage.Scope) {
			findTimes(t, s, scope, 3*enoughScans, `{"common":1}`, storage.FindOptions{}, 1000)
		}},
		{"no index helps", 2000, func(t *testing.T, s *sqlite.Store, scope storage.Scope) {
			findTimes(t, s, scope, 3*enoughScans, `{"name":{"$contains":"1234"}}`, storage.FindOptions{}, 1)
			findTimes(t, s, scope, 3*enoughScans, `{"$or":[{"n":1},{"n":2}]}`, storage.FindOptions{}, 2)
		}},
		{"all are sorted", 2000, func(t *testing.T, s *sqlite.Store, scope storage.Scope) {
			findTimes(t, s, scope, 3*enoughScans, `{}`, storage.FindOptions{Sort: "rare"}, 2000)
		}},
		{"enough at once", 2000, func(t *testing.T, s *sqlite.Store, scope storage.Scope) {
			findTimes(t, s, scope, 3*enoughScans, `{"n":{"$gte":0}}`, storage.FindOptions{Limit: 10}, 10)
		}},
		{"more inserts than finds", 2000, func(t *testing.T, s *sqlite.Store, scope storage.Scope) {
			findTimes(t, s, scope, 1, `{"rare":7}`, storage.FindOptions{}, 10)
			insertDocs(t, s, scope, "items", 2000, 2000+3*enoughScans)
			findTimes(t, s, scope, 2*enoughScans, `{"rare":7}`, storage.FindOptions{}, 10)
		}},
		{"by id", 2000, func(t *testing.T, s *sqlite.Store, scope storage.Scope) {
			findTimes(t, s, scope, 3*enoughScans, `{"id":"7"}`, storage.FindOptions{}, 1)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *sqlite.Store) {
				scope := storage.Scope{App: publish(t, s, "shop", nil)}
				insertDocs(t, s, scope, "items", 0, tt.documents)
				tt.find(t, s, scope)
				decide()
				wantIndexes(t, s, scope.App)
			})
		})
	}
}

// TestIndexGoesUnused lets indexes alone for a week.
func TestIndexGoesUnused(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		app := publish(t, s, "shop", map[string][]string{"items": {"name"}})
		scope := storage.Scope{App: app}
		insertDocs(t, s, scope, "items", 0, 1500)
		for query, want := range map[string]int{`{"rare":70}`: 10, `{"n":70}`: 1} {
			findTimes(t, s, scope, 2*enoughScans, query, storage.FindOptions{}, want)
			decide()
		}
		byApp := storage.Index{Field: "name", Ready: true}
		both := append([]storage.Index{{Field: "n", Automatic: true, Ready: true}, byApp}, itself("rare")...)
		wantIndexes(t, s, app, both...)

		// As if both were made almost a week ago.
		setUsed := func(age time.Duration) {
			if err := s.Write(t.Context(), func(q storage.SQL) error {
				_, err := q.Exec("UPDATE indexes SET used_at = ? WHERE automatic = 1", time.Now().Add(-age).UnixMilli())
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		setUsed(storage.IndexIdle - 5*time.Minute)
		wait(2 * time.Minute)
		wantIndexes(t, s, app, both...)
		findTimes(t, s, scope, 1, `{"rare":70}`, storage.FindOptions{}, 10)
		wait(10 * time.Minute)
		wantIndexes(t, s, app, append([]storage.Index{byApp}, itself("rare")...)...)
		verifyIndexes(t, s)
		wantCount(t, s, "entries", "SELECT count(*) FROM index_entries", 2*1500)
		setUsed(storage.IndexIdle)
		wait(2 * time.Minute)
		wantIndexes(t, s, app, byApp)
	})
}

// TestIndexOutlastsAbsence has no server run for ten days, in which nobody could use an index.
func TestIndexOutlastsAbsence(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.db")
	synctest.Test(t, func(t *testing.T) {
		s := open(t, path)
		app := publish(t, s, "shop", nil)
		insertDocs(t, s, storage.Scope{App: app}, "items", 0, 1500)
		findTimes(t, s, storage.Scope{App: app}, 2*enoughScans, `{"rare":70}`, storage.FindOptions{}, 10)
		decide()
		wait(3 * time.Minute)
		wantIndexes(t, s, app, itself("rare")...)
		for range 2 {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(storage.IndexIdle + 3*24*time.Hour)
			s = open(t, path)
			wait(3 * time.Minute)
			wantIndexes(t, s, app, itself("rare")...)
		}
		if err := s.Write(t.Context(), func(q storage.SQL) error {
			_, err := q.Exec("UPDATE indexes SET used_at = used_at - ?", storage.IndexIdle.Milliseconds())
			return err
		}); err != nil {
			t.Fatal(err)
		}
		wait(3 * time.Minute)
		wantIndexes(t, s, app)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestIndexIsBuiltBesideWrites runs finds that make indexes beside all kinds of writes, and
// beside deletes of the whole collection. What finds return never depends on it.
func TestIndexIsBuiltBesideWrites(t *testing.T) {
	t.Run("built", func(t *testing.T) { testIndexBesideWrites(t, 3) })
	t.Run("being built", func(t *testing.T) { testIndexBesideWrites(t, 0) })
}

// testIndexBesideWrites deletes all documents in one of its rounds.
func testIndexBesideWrites(t *testing.T, cleared int) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		app := publish(t, s, "shop", nil)
		scope := storage.Scope{App: app}
		random := rand.New(rand.NewPCG(1, 2))
		next := 0
		fill := func() {
			insertDocs(t, s, scope, "items", next, next+4*sqlite.BuildRows+1500)
			next += 4*sqlite.BuildRows + 1500
		}
		fill()
		for round := range 6 {
			for i := range 2 * enoughScans {
				value := random.IntN(next / 10)
				var want []json.RawMessage
				got, err := s.Find(t.Context(), scope, "items", fmt.Appendf(nil, `{"rare":%d}`, value), storage.FindOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if i%5 > 0 {
					continue
				}
				if err := s.View(t.Context(), scope, func(tx storage.Tx) (err error) {
					want, err = tx.Docs().Find("items", fmt.Appendf(nil, `{"$or":[{"rare":%d}]}`, value), storage.FindOptions{})
					return err
				}); err != nil {
					t.Fatal(err)
				}
				if !slices.EqualFunc(want, got, func(a, b json.RawMessage) bool { return string(a) == string(b) }) {
					t.Fatalf("round %d: rare %d: %s, want %s", round, value, got, want)
				}
			}
			wait(5 * time.Second) // and do not wait for what the indexer does then
			if err := s.Tx(t.Context(), scope, func(tx storage.Tx) error {
				d := tx.Docs()
				if _, err := d.Update("items", fmt.Appendf(nil, `{"rare":{"$gte":%d,"$lt":%d}}`, next/20-50, next/20), json.RawMessage(`{"$inc":{"rare":3}}`)); err != nil {
					return err
				}
				if _, err := d.Delete("items", fmt.Appendf(nil, `{"n":{"$gte":%d,"$lt":%d}}`, next/2, next/2+100)); err != nil {
					return err
				}
				if round == cleared {
					if _, err := d.Delete("items", json.RawMessage(`{}`)); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				t.Fatal(round, err)
			}
			fill()
			if round == 2 {
				synctest.Wait()
				wantIndexes(t, s, app, itself("rare")...)
			}
			if round == 4 {
				publish(t, s, "shop", map[string][]string{"items": {"rare"}})
				publish(t, s, "shop", nil)
			}
		}
		decide()
		verifyIndexes(t, s)
	})
}
