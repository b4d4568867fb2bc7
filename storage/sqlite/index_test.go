package sqlite_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// TestIndexPlans reads how SQLite means to carry out the statements: by keys
// alone, and without sorting.
func TestIndexPlans(t *testing.T) {
	s := open(t, t.TempDir()+"/data.db")
	defer s.Close()
	byNoEntry := map[string]bool{"few by id": true, "few oldest": true, "few newest": true}
	wholeIndex := map[string]bool{"few in order": true, "few, backwards": true}
	for name, statement := range sqlite.IndexStatements {
		var plan []string
		if err := s.Read(t.Context(), func(q storage.SQL) error {
			args := make([]any, strings.Count(statement, "?"))
			return q.Query("EXPLAIN QUERY PLAN "+statement, args, func(scan func(...any) error) error {
				var id, parent, unused int
				var detail string
				err := scan(&id, &parent, &unused, &detail)
				plan = append(plan, detail)
				return err
			})
		}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		text := strings.Join(plan, "\n")
		if strings.Contains(strings.Replace(text, "SCAN (subquery-1)", "", 1), "SCAN") || strings.Contains(text, "TEMP B-TREE") || !strings.Contains(text, "SEARCH") {
			t.Errorf("%s:\n%s", name, text)
		}
		for _, step := range plan {
			if strings.HasPrefix(step, "SEARCH d ") && !strings.Contains(step, "(app=? AND user=? AND collection=? AND seq=?)") && !byNoEntry[name] ||
				strings.HasPrefix(step, "SEARCH e ") && !wholeIndex[name] && !strings.Contains(step, "(app=? AND index_id=? AND user=? AND value") {
				t.Errorf("%s: %s", name, step)
			}
		}
	}
}

// verifyIndexes compares the entries of every index with the documents.
func verifyIndexes(t testing.TB, s *sqlite.Store) {
	t.Helper()
	want, got := map[string]int{}, map[string]int{}
	if err := s.Read(t.Context(), func(q storage.SQL) error {
		err := q.Query(`SELECT x.id, x.field, d.user, d.seq, d.body FROM indexes x
			JOIN docs d ON d.app = x.app AND d.collection = x.collection WHERE x.state = 'ready'`, nil, func(scan func(...any) error) error {
			var id, seq int64
			var field, user, body string
			err := scan(&id, &field, &user, &seq, &body)
			want[fmt.Sprintf("%d %q %x %d", id, user, storage.IndexKey(body, storage.ParsePath(field)), seq)]++
			return err
		})
		if err != nil {
			return err
		}
		return q.Query(`SELECT index_id, user, value, seq FROM index_entries
			WHERE index_id NOT IN (SELECT id FROM indexes WHERE state <> 'ready')
			AND seq NOT IN (SELECT d.seq FROM cleared c JOIN documents d
				ON d.app = c.app AND d.user = c.user AND d.collection = c.generation)`, nil, func(scan func(...any) error) error {
			var id, seq int64
			var user string
			var value []byte
			err := scan(&id, &user, &value, &seq)
			got[fmt.Sprintf("%d %q %x %d", id, user, value, seq)]++
			return err
		})
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries of the indexes (-documents +index):\n%.2000s", diff)
	}
}

// indexDoc has a field that is rare, one that is common, one that only grows
// and one that is text.
func indexDoc(i int) json.RawMessage {
	return fmt.Appendf(nil, `{"id":"%d","n":%d,"rare":%d,"common":%d,"name":"name %06d"}`, i, i, i/10, i%2, i)
}

func insertDocs(t testing.TB, s *sqlite.Store, scope storage.Scope, collection string, from, to int) {
	t.Helper()
	for start := from; start < to; start += 2000 {
		if err := s.Tx(t.Context(), scope, func(tx storage.Tx) error {
			for i := start; i < min(to, start+2000); i++ {
				if _, err := tx.Docs().Insert(collection, indexDoc(i)); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestIndexIsBuilt deploys an index for documents that are there already, of
// several users and among other collections, while they are being written.
func TestIndexIsBuilt(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		app := publish(t, s, "shop", nil)
		users := []storage.Scope{{App: app}, {App: app, User: "ann"}, {App: app, User: "bob"}}
		for _, scope := range users {
			insertDocs(t, s, scope, "items", 0, 3*sqlite.BuildRows)
			insertDocs(t, s, scope, "others", 0, 10)
		}
		insertDocs(t, s, storage.Scope{App: "another"}, "items", 0, 10)
		states := `SELECT group_concat(state, ' ') FROM (SELECT DISTINCT state FROM indexes ORDER BY state)`
		indexes := map[string][]string{"items": {"rare", "name"}, "none": {"n"}}
		before := s.Stats().Batches
		if publish(t, s, "shop", indexes) != app {
			t.Fatal("another id")
		}
		for i, scope := range users {
			if err := s.Tx(t.Context(), scope, func(tx storage.Tx) error {
				d := tx.Docs()
				if _, err := d.Update("items", json.RawMessage(`{"n":{"$lt":50}}`), json.RawMessage(`{"$inc":{"rare":1000}}`)); err != nil {
					return err
				}
				if _, err := d.Delete("items", json.RawMessage(`{"n":{"$gte":550}}`)); err != nil {
					return err
				}
				_, err := d.Insert("items", json.RawMessage(`{"n":-1,"rare":7}`))
				return err
			}); err != nil {
				t.Fatal(i, err)
			}
		}
		synctest.Wait()
		// The indexer waits for each of its steps, so no two share a batch,
		// whatever else is in it.
		if n := s.Stats().Batches - before; n < 2*3*2 {
			t.Errorf("built in %d transactions, not in small ones", n)
		}
		if state := text(t, s, states); state != "ready" {
			t.Errorf("states %q", state)
		}
		verifyIndexes(t, s)
		wantCount(t, s, "entries", "SELECT count(*) FROM index_entries", 2*3*551)

		// Kept, dropped, and dropped and made again.
		publish(t, s, "shop", map[string][]string{"items": {"name", "n"}})
		publish(t, s, "shop", map[string][]string{"items": {"rare", "n"}})
		synctest.Wait()
		verifyIndexes(t, s)
		wantCount(t, s, "entries", "SELECT count(*) FROM index_entries", 2*3*551)
		wantCount(t, s, "indexes", "SELECT count(*) FROM indexes", 2)

		publish(t, s, "shop", nil)
		synctest.Wait()
		wantCount(t, s, "entries", "SELECT count(*) FROM index_entries", 0)
		wantCount(t, s, "indexes", "SELECT count(*) FROM indexes", 0)

		publish(t, s, "shop", indexes)
		synctest.Wait()
		verifyIndexes(t, s)
		if err := s.RemoveApp(t.Context(), app, false); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		wantCount(t, s, "entries of a removed app", "SELECT count(*) FROM index_entries", 0)
		wantCount(t, s, "indexes of a removed app", "SELECT count(*) FROM indexes", 0)
	})
}

// TestIndexOutlivesItsBuilder closes a store while an index is being built.
func TestIndexOutlivesItsBuilder(t *testing.T) {
	path := t.TempDir() + "/data.db"
	s := open(t, path)
	app := publish(t, s, "shop", nil)
	insertDocs(t, s, storage.Scope{App: app}, "items", 0, 20*sqlite.BuildRows)
	publish(t, s, "shop", map[string][]string{"items": {"rare"}})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		s := open(t, path)
		defer s.Close()
		insertDocs(t, s, storage.Scope{App: app}, "items", 20*sqlite.BuildRows, 20*sqlite.BuildRows+10)
		wait(2 * time.Minute) // when the indexer looks
		wantCount(t, s, "ready", "SELECT count(*) FROM indexes WHERE state = 'ready'", 1)
		verifyIndexes(t, s)
	})
}

func list(numbers []int) string {
	text, _ := json.Marshal(numbers) // numbers always can be
	return string(text)
}

// TestIndexedFinds asks for few and for many documents of a collection that is
// larger than what a find reads from an index.
func TestIndexedFinds(t *testing.T) {
	const many = storage.MaxEntries + 1000
	s := open(t, t.TempDir()+"/data.db")
	defer s.Close()
	app := publish(t, s, "shop", map[string][]string{"items": {"rare", "common", "n", "name"}})
	scope := storage.Scope{App: app}
	insertDocs(t, s, scope, "items", 0, many)
	verifyIndexes(t, s)
	numbers := func(from, to, step int) (n []int) {
		for ; from != to; from += step {
			n = append(n, from)
		}
		return n
	}
	tests := []struct {
		query string
		opt   storage.FindOptions
		want  []int
	}{
		{`{"rare":70}`, storage.FindOptions{}, numbers(700, 710, 1)},
		{`{"rare":70}`, storage.FindOptions{Desc: true}, numbers(709, 699, -1)},
		{`{"rare":70}`, storage.FindOptions{Limit: 2, Offset: 3}, numbers(703, 705, 1)},
		{`{"rare":70,"common":1}`, storage.FindOptions{}, numbers(701, 711, 2)},
		{`{"common":1,"rare":70}`, storage.FindOptions{}, numbers(701, 711, 2)},
		{`{"common":1}`, storage.FindOptions{Limit: 3, Offset: 2}, []int{5, 7, 9}},
		{`{"rare":{"$in":[71,70]}}`, storage.FindOptions{}, numbers(700, 720, 1)},
		{`{"rare":{"$in":[71,70]}}`, storage.FindOptions{Sort: "common", Limit: 11}, append(numbers(700, 720, 2), 701)},
		{`{"rare":{"$in":[]}}`, storage.FindOptions{}, nil},
		{`{"n":{"$in":` + list(numbers(3, 4003, 4)) + `}}`, storage.FindOptions{}, numbers(3, 4003, 4)}, // more than are looked up
		{`{"n":{"$in":` + list(numbers(3, 4003, 4)) + `}}`, storage.FindOptions{Sort: "n", Limit: 2, Desc: true}, []int{3999, 3995}},
		{`{"n":{"$gte":5,"$lt":9}}`, storage.FindOptions{}, numbers(5, 9, 1)},
		{`{"n":{"$gte":5,"$lt":9}}`, storage.FindOptions{Desc: true, Limit: 2}, []int{8, 7}},
		{`{"n":{"$gte":500,"$lt":3000}}`, storage.FindOptions{}, numbers(500, 3000, 1)},
		{`{"name":{"$prefix":"name 00010"}}`, storage.FindOptions{}, numbers(100, 110, 1)},
		{`{"n":{"$gte":0}}`, storage.FindOptions{Limit: 3}, []int{0, 1, 2}},                                         // a scan finds them at once
		{`{"n":{"$gte":0}}`, storage.FindOptions{Limit: 3, Offset: many - 3}, numbers(many-3, many, 1)},             // all match
		{`{"n":{"$gte":10000,"$lt":30000}}`, storage.FindOptions{Limit: 3}, numbers(10000, 10003, 1)},               // far from the start
		{`{"n":{"$gte":10000,"$lt":30000},"common":1}`, storage.FindOptions{Limit: 2}, []int{10001, 10003}},         // of two common conditions
		{`{"n":{"$gte":500},"name":{"$gte":"name 065000"}}`, storage.FindOptions{Limit: 2}, []int{65000, 65001}},    // the rarer of two ranges
		{`{}`, storage.FindOptions{Sort: "n", Desc: true, Limit: 3}, []int{many - 1, many - 2, many - 3}},           // the index is in order
		{`{}`, storage.FindOptions{Sort: "name", Limit: 2, Offset: 5}, []int{5, 6}},                                 // likewise
		{`{"common":0}`, storage.FindOptions{Sort: "n", Desc: true, Limit: 2}, []int{many - 2, many - 4}},           // and another condition
		{`{"n":{"$lt":7000}}`, storage.FindOptions{Sort: "n", Desc: true, Limit: 2}, []int{6999, 6998}},             // a part of the index
		{`{"n":{"$in":[5,3,9]}}`, storage.FindOptions{Sort: "n", Desc: true, Limit: 2}, []int{9, 5}},                // parts of it
		{`{"rare":70}`, storage.FindOptions{Sort: "n", Desc: true, Limit: 2}, []int{709, 708}},                      // few to sort
		{`{"id":"77","rare":7}`, storage.FindOptions{Sort: "n", Limit: 1}, []int{77}},                               // by its id
		{`{"n":{"$gte":65000},"$or":[{"n":65005},{"n":3}]}`, storage.FindOptions{}, []int{65005}},                   // $or is no help
		{`{"n":{"$gte":0,"$lt":66000},"common":{"$gte":0},"id":"12"}`, storage.FindOptions{}, []int{12}},            // nothing is sooner than an id
		{`{"n":{"$gt":1e300}}`, storage.FindOptions{}, nil},                                                         // past them all
		{`{"name":{"$lte":"name 000001"}}`, storage.FindOptions{Sort: "common", Desc: true, Limit: 5}, []int{1, 0}}, // sorted by another
	}
	for _, tt := range tests {
		var got []int
		if err := s.View(t.Context(), scope, func(tx storage.Tx) error {
			docs, err := tx.Docs().Find("items", json.RawMessage(tt.query), tt.opt)
			for _, doc := range docs {
				var fields struct{ N int }
				if err := json.Unmarshal(doc, &fields); err != nil {
					return err
				}
				got = append(got, fields.N)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s %+v (-want +got):\n%s", tt.query, tt.opt, diff)
		}
	}
	docs := s.InChunks(t.Context(), scope)
	for _, step := range []struct {
		query   string
		changes string // "": delete
		want    int
	}{
		{`{"rare":{"$lt":500}}`, `{"$inc":{"rare":100000}}`, 5000},
		{`{"rare":{"$gte":100000}}`, `{"$inc":{"rare":1}}`, 5000}, // the entries move under the update
		{`{"common":1}`, `{"common":0}`, many / 2},
		{`{"common":1}`, `{"common":0}`, 0},
		{`{"n":{"$gte":60000}}`, "", many - 60000},
		{`{"rare":{"$in":[100001,100002]}}`, "", 20},
	} {
		var n int
		var err error
		if step.changes == "" {
			n, err = docs.Delete("items", json.RawMessage(step.query))
		} else {
			n, err = docs.Update("items", json.RawMessage(step.query), json.RawMessage(step.changes))
		}
		if err != nil || n != step.want {
			t.Errorf("%s %s: %d, %v, want %d", step.query, step.changes, n, err, step.want)
		}
	}
	if n, err := docs.DeleteOldest("items", 1000); err != nil || n != 60000-20-1000 {
		t.Errorf("deleted %d of the oldest, %v", n, err)
	}
	verifyIndexes(t, s)
	wantCount(t, s, "entries", "SELECT count(*) FROM index_entries", 4*1000)
}

// text returns the text that a query asks for.
func text(t testing.TB, s *sqlite.Store, query string) string {
	t.Helper()
	table, err := s.Query(t.Context(), query, 1)
	if err != nil {
		t.Fatal(err)
	}
	value, _ := table.Rows[0][0].(string)
	return value
}
