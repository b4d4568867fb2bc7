package sqlite_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// holdReaders occupies all readers until the returned function is called.
func holdReaders(t *testing.T, s *sqlite.Store) (release func()) {
	free := make(chan struct{})
	for range 64 { // more than there are; the others take what is released
		go func() {
			if err := s.View(t.Context(), scope, func(storage.Tx) error { <-free; return nil }); err != nil {
				t.Error(err)
			}
		}()
	}
	synctest.Wait()
	return func() { close(free) }
}

func mustTx(t testing.TB, s *sqlite.Store, fn func(storage.Docs) error) {
	t.Helper()
	if err := s.Tx(t.Context(), scope, func(tx storage.Tx) error { return fn(tx.Docs()) }); err != nil {
		t.Error(err)
	}
}

// TestWritesDuringASearch writes between the snapshot that an update searches and the
// update's transaction, and wants it to change what matches then.
func TestWritesDuringASearch(t *testing.T) {
	const many = sqlite.DirectUnits + 1000
	insert := func(from, to int) func(storage.Tx) error {
		return func(tx storage.Tx) error {
			for i := from; i < to; i++ {
				if _, err := tx.Docs().Insert("items", indexDoc(i)); err != nil {
					return err
				}
			}
			return nil
		}
	}
	tests := []struct {
		name     string
		write    func(storage.Tx) error
		sql      string
		want     int // of rare = 7
		searches int
	}{
		{name: "nothing", write: func(storage.Tx) error { return nil }, want: 10, searches: 1},
		{name: "inserts", write: func(tx storage.Tx) error {
			_, err := tx.Docs().Insert("items", json.RawMessage(`{"rare":7}`))
			return err
		}, want: 11, searches: 1},
		{name: "changes to a match", write: func(tx storage.Tx) error {
			_, err := tx.Docs().Update("items", json.RawMessage(`{"id":"5"}`), json.RawMessage(`{"rare":7}`))
			return err
		}, want: 11, searches: 1},
		{name: "changes of a match", write: func(tx storage.Tx) error {
			_, err := tx.Docs().Update("items", json.RawMessage(`{"id":"75"}`), json.RawMessage(`{"rare":8}`))
			return err
		}, want: 9, searches: 1},
		{name: "deletes", write: func(tx storage.Tx) error {
			_, err := tx.Docs().Delete("items", json.RawMessage(`{"id":"75"}`))
			return err
		}, want: 9, searches: 1},
		{name: "empties", write: func(tx storage.Tx) error {
			_, err := tx.Docs().Delete("items", json.RawMessage(`{}`))
			return err
		}, want: 0, searches: 1},
		{name: "empties and inserts", write: func(tx storage.Tx) error {
			if _, err := tx.Docs().Delete("items", json.RawMessage(`{}`)); err != nil {
				return err
			}
			return insert(72, 75)(tx)
		}, want: 3, searches: 1},
		{name: "another collection", write: func(tx storage.Tx) error {
			_, err := tx.Docs().Insert("others", json.RawMessage(`{"rare":7}`))
			return err
		}, want: 10, searches: 1},
		{name: "much", write: insert(100_000, 100_001+sqlite.MaxNoted), want: 10, searches: 2},
		{name: "an operator", sql: `UPDATE docs SET body = '{"id":"5","rare":7}' WHERE id = '5'`, want: 11, searches: 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *sqlite.Store) {
				insertDocs(t, s, scope, "items", 0, many)
				release := holdReaders(t, s)
				runs, changed := 0, 0
				var updated error
				go func() {
					updated = s.Tx(t.Context(), scope, func(tx storage.Tx) (err error) {
						runs++
						changed, err = tx.Docs().Update("items", json.RawMessage(`{"rare":7}`), json.RawMessage(`{"rare":-7}`))
						return err
					})
				}()
				synctest.Wait() // for a reader
				held, free := make(chan struct{}), make(chan struct{})
				go func() {
					wait := func() { close(held); <-free }
					var err error
					if tt.sql != "" {
						err = s.Write(t.Context(), func(q storage.SQL) error {
							wait()
							_, err := q.Exec(tt.sql)
							return err
						})
					} else {
						err = s.Tx(t.Context(), scope, func(tx storage.Tx) error { wait(); return tt.write(tx) })
					}
					if err != nil {
						t.Error(err)
					}
				}()
				<-held
				release()
				synctest.Wait() // until it has searched, and is behind the other writer
				close(free)
				synctest.Wait()
				if updated != nil {
					t.Fatal(updated)
				}
				if diff := cmp.Diff([]int{tt.want, tt.searches + 1}, []int{changed, runs}); diff != "" {
					t.Errorf("changed, runs (-want +got):\n%s", diff)
				}
				wantCount(t, s, "changed", `SELECT count(*) FROM docs WHERE collection = 'items' AND body ->> 'rare' = -7`, int64(tt.want))
				wantCount(t, s, "left", `SELECT count(*) FROM docs WHERE collection = 'items' AND body ->> 'rare' = 7`, 0)
			})
		})
	}
}

// TestSearchBesideAnotherProcess has another store on the same file write during each
// search.
func TestSearchBesideAnotherProcess(t *testing.T) {
	for _, tt := range []struct {
		documents int
		want      storage.Code
	}{{sqlite.DirectUnits + 1000, ""}, {sqlite.ForeignUnits + 1000, storage.CodeOverloaded}} {
		t.Run(fmt.Sprint(tt.documents), func(t *testing.T) {
			path := t.TempDir() + "/data.db"
			s, other := open(t, path), open(t, path)
			defer s.Close()
			defer other.Close()
			insertDocs(t, s, scope, "items", 0, tt.documents)
			next := 1_000_000
			sqlite.AfterSearch(s, func() {
				insertDocs(t, other, scope, "items", next, next+1)
				next++
			})
			n := 0
			err := s.Tx(t.Context(), scope, func(tx storage.Tx) (err error) {
				n, err = tx.Docs().Delete("items", json.RawMessage(`{"n":{"$in":[1,1000000]}}`))
				return err
			})
			if storage.CodeOf(err) != tt.want || err == nil && n != 2 {
				t.Errorf("%d, %v", n, err)
			}
		})
	}
}

// TestClearedIsSwept empties collections, with an index, and reopens one that an older
// fazt has left.
func TestClearedIsSwept(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		app := publish(t, s, "shop", map[string][]string{"items": {"rare", "n"}})
		for _, user := range []string{"", "ann"} {
			insertDocs(t, s, storage.Scope{App: app, User: user}, "items", 0, 1000)
			insertDocs(t, s, storage.Scope{App: app, User: user}, "others", 0, 10)
		}
		if err := s.Tx(t.Context(), storage.Scope{App: app}, func(tx storage.Tx) error {
			n, err := tx.Docs().Delete("items", json.RawMessage(`{}`))
			if n != 1000 {
				t.Errorf("emptied of %d", n)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		insertDocs(t, s, storage.Scope{App: app}, "items", 0, 5)
		synctest.Wait() // at once, and not when the clock says
		wantCount(t, s, "documents", "SELECT count(*) FROM documents", 1000+20+5)
		wantCount(t, s, "entries", "SELECT count(*) FROM index_entries", 2*1005)
		wantCount(t, s, "cleared", "SELECT count(*) FROM cleared", 0)
		wantCount(t, s, "what an operator sees", "SELECT count(*) FROM docs WHERE collection = 'items'", 1005)
		verifyIndexes(t, s)
		if err := s.Tx(t.Context(), storage.Scope{App: app}, func(tx storage.Tx) error {
			for i := range 5 {
				if _, err := tx.Docs().Delete("items", fmt.Appendf(nil, `{"id":"%d"}`, i)); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		wait(2 * sqlite.SweepInterval)
		wantCount(t, s, "collections", "SELECT count(*) FROM collections", 3)
	})
}

// TestOperatorsWriteDocuments wants their statements on docs counted, and the handlers
// to see them.
func TestOperatorsWriteDocuments(t *testing.T) {
	s := open(t, t.TempDir()+"/data.db")
	defer s.Close()
	mustTx(t, s, func(d storage.Docs) error { _, err := d.Insert("items", json.RawMessage(`{"id":"a"}`)); return err })
	for _, step := range []struct {
		sql  string
		want int
	}{
		{`INSERT INTO docs VALUES ('app', '', 'items', 1000, 'b', '{"id":"b"}', 0, 0)`, 2},
		{`INSERT INTO docs VALUES ('app', '', 'new', 1001, 'c', '{"id":"c"}', 0, 0)`, 2},
		{`UPDATE docs SET body = '{"id":"b","longer":1}' WHERE id = 'b'`, 2},
		{`DELETE FROM docs WHERE id = 'a'`, 1},
	} {
		if err := s.Write(t.Context(), func(q storage.SQL) error { _, err := q.Exec(step.sql); return err }); err != nil {
			t.Fatal(err)
		}
		mustTx(t, s, func(d storage.Docs) error {
			found, err := d.Find("items", nil, storage.FindOptions{})
			n, countErr := d.Count("items", nil)
			if len(found) != step.want || n != step.want || countErr != nil {
				t.Errorf("%s: found %d, counted %d, %v", step.sql, len(found), n, countErr)
			}
			return err
		})
		wantUsage(t, s)
	}
	mustTx(t, s, func(d storage.Docs) error { _, err := d.Delete("new", json.RawMessage(`{}`)); return err })
	wantUsage(t, s)
}

// TestMigratesCollections opens a data file of a fazt without generations.
func TestMigratesCollections(t *testing.T) {
	path := t.TempDir() + "/data.db"
	olderFile(t, path, sqlite.StepsBeforeCollections, `UPDATE sequence SET value = 10;
		INSERT INTO docs VALUES ('app', '', 'items', 3, 'a', '{"id":"a","n":1}', 0, 0), ('app', '', 'items', 4, 'b', '{"id":"b","n":2}', 0, 0),
			('app', 'u', 'items', 5, 'a', '{"id":"a","n":3}', 0, 0), ('app', '', '7', 6, 'a', '{"id":"a","n":3}', 0, 0);
		INSERT INTO indexes VALUES (7, 'app', 'items', 'n', 'ready', '', 0);
		INSERT INTO index_entries SELECT 'app', 7, '', x'02', 3`)
	s := open(t, path)
	defer s.Close()
	wantUsage(t, s)
	for range 2 {
		mustTx(t, s, func(d storage.Docs) error {
			if n, err := d.Update("items", json.RawMessage(`{"id":{"$in":["a","b"]}}`), json.RawMessage(`{"x":1}`)); n == 0 || err != nil {
				t.Errorf("updated %d, %v", n, err)
			}
			if n, err := d.Delete("items", json.RawMessage(`{}`)); n == 0 || err != nil {
				t.Errorf("emptied of %d, %v", n, err)
			}
			_, err := d.Insert("items", json.RawMessage(`{"id":"a"}`))
			return err
		})
		wantUsage(t, s)
		wantCount(t, s, "what is there", "SELECT count(*) FROM docs WHERE app = 'app' AND user = '' AND collection = 'items'", 1)
	}
	wantCount(t, s, "others", "SELECT count(*) FROM docs WHERE user = 'u' AND collection = 'items' OR collection = '7'", 2)
}
