package storagetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/storage"
)

// tooMany is more documents than one transaction may write by a query, on any
// machine, and few is fewer than it always may.
const tooMany, few = 26_000, 1_500

// fill inserts small documents with n from 0 on.
func fill(t testing.TB, s storage.Store, collection string, count int) {
	t.Helper()
	for n := 0; n < count; {
		end := min(n+2000, count)
		tx(t, s, func(tx storage.Tx) error {
			for i := n; i < end; i++ {
				if _, err := tx.Docs().Insert(collection, fmt.Appendf(nil, `{"id":"%d","n":%[1]d}`, i)); err != nil {
					return err
				}
			}
			return nil
		})
		n = end
	}
}

func countDocs(t testing.TB, s storage.Store, collection, query string) (n int) {
	t.Helper()
	view(t, s, func(tx storage.Tx) (err error) {
		n, err = tx.Docs().Count(collection, json.RawMessage(query))
		return err
	})
	return n
}

// clearAll empties a collection.
func clearAll(docs interface {
	Delete(string, json.RawMessage) (int, error)
}, collection string) (int, error) {
	return docs.Delete(collection, json.RawMessage(`{}`))
}

// testDocsClear empties a collection, and looks for what was in it in every way.
func testDocsClear(t *testing.T, s storage.Store) {
	d, err := s.Publish(t.Context(), storage.NewDeployment{Name: "clear", Indexes: map[string][]string{"items": {"n"}}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	sc := storage.Scope{App: d.AppID}
	write := func(fn func(storage.Docs) error) {
		t.Helper()
		if err := s.Tx(t.Context(), sc, func(tx storage.Tx) error { return fn(tx.Docs()) }); err != nil {
			t.Fatal(err)
		}
	}
	insert := func(docs storage.Docs) error {
		for i := range few {
			if _, err := docs.Insert("items", fmt.Appendf(nil, `{"id":"%d","n":%d}`, i, i%2)); err != nil {
				return err
			}
		}
		return nil
	}
	for range 3 { // what is swept must never be what is there
		write(insert)
		write(func(docs storage.Docs) error {
			n, err := clearAll(docs, "items")
			diff(t, "emptied", few, n)
			if err != nil {
				return err
			}
			n, err = clearAll(docs, "items")
			diff(t, "emptied again", 0, n)
			return err
		})
		usage, err := s.Usage(t.Context(), d.AppID)
		if err != nil {
			t.Fatal(err)
		}
		diff(t, "used", int64(0), usage.Used)
		write(func(docs storage.Docs) error {
			for _, query := range []string{`{}`, `{"n":1}`, `{"id":"1"}`, `{"n":{"$gte":0}}`, `{"$not":{"n":5}}`} {
				n, err := docs.Count("items", json.RawMessage(query))
				diff(t, "count "+query, 0, n)
				if err != nil {
					return err
				}
				found, err := docs.Find("items", json.RawMessage(query), storage.FindOptions{Sort: "n", Limit: 5})
				diff(t, "find "+query, 0, len(found))
				if err != nil {
					return err
				}
			}
			_, err := docs.Insert("items", json.RawMessage(`{"id":"1","n":1}`)) // the id is free
			return err
		})
		table, err := s.Query(t.Context(), "SELECT collection, id FROM docs WHERE app = '"+d.AppID+"'", 10)
		if err != nil {
			t.Fatal(err)
		}
		diff(t, "what an operator sees", [][]any{{"items", "1"}}, table.Rows)
		write(func(docs storage.Docs) error {
			n, err := docs.Update("items", json.RawMessage(`{"n":1}`), json.RawMessage(`{"n":2}`))
			diff(t, "updated", 1, n)
			if err != nil {
				return err
			}
			n, err = docs.DeleteOldest("items", 0)
			diff(t, "the oldest", 1, n)
			return err
		})
	}
}

// testDocsClearIsUndone empties a collection in transactions that fail, and in one that
// goes on.
func testDocsClearIsUndone(t *testing.T, s storage.Store) {
	fill(t, s, "items", 3)
	undo := errors.New("undone")
	err := s.Tx(t.Context(), scope, func(tx storage.Tx) error {
		if _, err := clearAll(tx.Docs(), "items"); err != nil {
			return err
		}
		if _, err := tx.Docs().Insert("items", json.RawMessage(`{"id":"0","n":7}`)); err != nil {
			return err
		}
		return undo
	})
	if !errors.Is(err, undo) {
		t.Error(err)
	}
	diff(t, "undone", []string{"0", "1", "2"}, find(t, s, "items", `{}`, "n", storage.FindOptions{}))
	tx(t, s, func(tx storage.Tx) error {
		if _, err := tx.Docs().Insert("items", json.RawMessage(`{"id":"3","n":3}`)); err != nil {
			return err
		}
		n, err := clearAll(tx.Docs(), "items")
		diff(t, "emptied", 4, n)
		if err != nil {
			return err
		}
		_, err = tx.Docs().Insert("items", json.RawMessage(`{"id":"0","n":7}`))
		return err
	})
	diff(t, "left", []string{"7"}, find(t, s, "items", `{}`, "n", storage.FindOptions{}))
	wantRecount(t, s, scope.App)
}

// testDocsClearQuota fills an app again and again: what was emptied does not count,
// swept or not.
func testDocsClearQuota(t *testing.T, s storage.Store) {
	doc := json.RawMessage(`{"t":` + string(text(200_000)) + `}`)
	for range 20 {
		tx(t, s, func(tx storage.Tx) error {
			if _, err := clearAll(tx.Docs(), "items"); err != nil {
				return err
			}
			for range 5 {
				if _, err := tx.Docs().Insert("items", doc); err != nil {
					return err
				}
			}
			return nil
		})
		wantRecount(t, s, scope.App)
	}
}

// testDocsTooManyMatches wants what would hold up all other writes refused, with
// nothing written.
func testDocsTooManyMatches(t *testing.T, s storage.Store) {
	fill(t, s, "items", tooMany)
	all := json.RawMessage(`{"n":{"$gte":0}}`)
	for name, write := range map[string]func(storage.Docs) (int, error){
		"update": func(d storage.Docs) (int, error) { return d.Update("items", all, json.RawMessage(`{"n":-1}`)) },
		"upsert": func(d storage.Docs) (int, error) { return d.Upsert("items", all, json.RawMessage(`{"n":-1}`)) },
		"all": func(d storage.Docs) (int, error) {
			return d.Update("items", json.RawMessage(`{}`), json.RawMessage(`{"n":-1}`))
		},
		"delete": func(d storage.Docs) (int, error) { return d.Delete("items", all) },
		"oldest": func(d storage.Docs) (int, error) { return d.DeleteOldest("items", 1) },
	} {
		err := s.Tx(t.Context(), scope, func(tx storage.Tx) error {
			if err := tx.KV().Set("k", json.RawMessage(`1`), 0); err != nil {
				return err
			}
			_, err := write(tx.Docs())
			return err
		})
		e, ok := errors.AsType[*storage.Error](err)
		if !ok || e.Code != storage.CodeTooManyMatches || e.Count < tooMany-1 || !strings.Contains(e.Error(), "chunks") {
			t.Errorf("%s: %v", name, err)
		}
	}
	diff(t, "what is there", tooMany, countDocs(t, s, "items", `{"n":{"$gte":0}}`))
	diff(t, "the rest of the transaction", "", get(t, s, "k"))
	tx(t, s, func(tx storage.Tx) error {
		n, err := tx.Docs().Update("items", fmt.Appendf(nil, `{"n":{"$lt":%d}}`, few), json.RawMessage(`{"$inc":{"n":-100000}}`))
		if err != nil {
			return err
		}
		diff(t, "few", few, n)
		n, err = clearAll(tx.Docs(), "items")
		diff(t, "emptied", tooMany, n)
		return err
	})
}

// testDocsInChunks does what is too much for one transaction.
func testDocsInChunks(t *testing.T, s storage.Store) {
	fill(t, s, "items", tooMany)
	docs := s.InChunks(t.Context(), scope)
	for _, step := range []struct {
		name string
		do   func() (int, error)
		want int
		left string // a query
	}{
		{"update", func() (int, error) {
			return docs.Update("items", json.RawMessage(`{"n":{"$gte":0}}`), json.RawMessage(`{"$inc":{"n":100000}}`))
		}, tooMany, `{"n":{"$gte":100000,"$lt":200000}}`},
		{"by id", func() (int, error) {
			return docs.Update("items", json.RawMessage(`{"id":"5"}`), json.RawMessage(`{"x":1}`))
		}, 1, `{"$not":{"x":2}}`},
		{"none", func() (int, error) { return docs.Delete("items", json.RawMessage(`{"n":-1}`)) }, 0, `{}`},
	} {
		n, err := step.do()
		if err != nil || n != step.want {
			t.Errorf("%s: %d, %v; want %d", step.name, n, err, step.want)
		}
		diff(t, step.name, tooMany, countDocs(t, s, "items", step.left))
	}
	n, err := docs.Delete("items", json.RawMessage(`{"n":{"$lt":105000}}`))
	if err != nil || n != 5000 {
		t.Errorf("delete: %d, %v", n, err)
	}
	if n, err = docs.DeleteOldest("items", 10); err != nil || n != tooMany-5000-10 {
		t.Errorf("deleteOldest: %d, %v", n, err)
	}
	if n, err = docs.DeleteOldest("items", 10); err != nil || n != 0 {
		t.Errorf("deleteOldest again: %d, %v", n, err)
	}
	diff(t, "kept", fmt.Sprint(100000+tooMany-1), find(t, s, "items", `{}`, "n", storage.FindOptions{})[9])
	if n, err = clearAll(docs, "items"); err != nil || n != 10 {
		t.Errorf("all: %d, %v", n, err)
	}
	wantRecount(t, s, scope.App)
}

// testDocsInChunksErrors has some of them fail half-way.
func testDocsInChunksErrors(t *testing.T, s storage.Store) {
	fill(t, s, "items", tooMany)
	insert(t, s, "items", `{"n":"text"}`)
	docs := s.InChunks(t.Context(), scope)
	n, err := docs.Update("items", json.RawMessage(`{"n":{"$exists":true}}`), json.RawMessage(`{"$inc":{"n":1000000}}`))
	e, ok := errors.AsType[*storage.Error](err)
	if !ok || e.Code != storage.CodeInvalid || e.Count != n || n == 0 {
		t.Errorf("half-way: %d, %v", n, err)
	}
	diff(t, "written before", n, countDocs(t, s, "items", `{"n":{"$gte":1000000}}`))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	n, err = s.InChunks(ctx, scope).Delete("items", json.RawMessage(`{"n":{"$gte":0}}`))
	if n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("too late: %d, %v", n, err)
	}
	for name, call := range map[string]func(storage.ChunkedDocs) (int, error){
		"no query": func(d storage.ChunkedDocs) (int, error) { return d.Delete("items", nil) },
		"query":    func(d storage.ChunkedDocs) (int, error) { return d.Delete("items", json.RawMessage(`{"$x":1}`)) },
		"changes": func(d storage.ChunkedDocs) (int, error) {
			return d.Update("items", json.RawMessage(`{}`), json.RawMessage(`[]`))
		},
		"collection": func(d storage.ChunkedDocs) (int, error) {
			return d.Update("", json.RawMessage(`{}`), json.RawMessage(`{}`))
		},
		"keep": func(d storage.ChunkedDocs) (int, error) { return d.DeleteOldest("items", -1) },
	} {
		_, err := call(docs)
		wantCode(t, name, err, storage.CodeInvalid)
	}
	_, err = s.InChunks(t.Context(), storage.Scope{}).Delete("items", json.RawMessage(`{}`))
	wantCode(t, "no scope", err, storage.CodeInvalid)
}

// testDocsManyQueries has one transaction make several writes by queries that have much
// to search, each of which sees what was written before it.
func testDocsManyQueries(t *testing.T, s storage.Store) {
	fill(t, s, "items", 5000)
	tx(t, s, func(tx storage.Tx) error {
		d := tx.Docs()
		for _, step := range []struct {
			query, changes string
			want           int
		}{
			{`{"n":{"$lt":10}}`, `{"n":-1}`, 10},
			{`{"n":-1}`, `{"n":-2,"twice":true}`, 10},
			{`{"n":{"$lt":10}}`, `{"n":-3}`, 10}, // the same again
			{`{"n":-2}`, `{"n":-4}`, 0},
			{`{"twice":true}`, ``, 10},
			{`{"n":{"$lt":10}}`, ``, 0},
		} {
			var n int
			var err error
			if step.changes == "" {
				n, err = d.Delete("items", json.RawMessage(step.query))
			} else {
				n, err = d.Update("items", json.RawMessage(step.query), json.RawMessage(step.changes))
			}
			if err != nil {
				return err
			}
			diff(t, step.query, step.want, n)
		}
		if _, err := d.Insert("items", json.RawMessage(`{"n":3}`)); err != nil {
			return err
		}
		n, err := d.Delete("items", json.RawMessage(`{"n":{"$lt":10}}`))
		if err == nil {
			diff(t, "what was inserted before", 1, n)
		}
		return err
	})
	diff(t, "left", 4990, countDocs(t, s, "items", `{}`))

	err := s.Tx(t.Context(), scope, func(tx storage.Tx) error {
		for i := range 100 {
			if _, err := tx.Docs().Update("items", fmt.Appendf(nil, `{"n":-%d}`, i+100), json.RawMessage(`{"n":1}`)); err != nil {
				return err
			}
		}
		return nil
	})
	wantCode(t, "a hundred searches", err, storage.CodeTooManyMatches)
}
