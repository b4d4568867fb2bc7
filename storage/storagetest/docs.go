package storagetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/storage"
)

func testDocs(t *testing.T, s storage.Store) {
	ids := insert(t, s, "items", `{"z":1,"id":"own","a":{"c":1.50,"b":[1,null]}}`, `{"a":2}`, `{"id":""}`)
	if ids[0] != "own" || ids[1] == "" || ids[2] == "" || ids[1] == ids[2] {
		t.Errorf("ids %q", ids)
	}
	view(t, s, func(tx storage.Tx) error {
		docs, err := tx.Docs().Find("items", json.RawMessage(`{"id":"own"}`), storage.FindOptions{})
		if err != nil || len(docs) != 1 {
			t.Fatalf("%d documents, %v", len(docs), err)
		}
		var stamp struct {
			Created int64 `json:"_createdAt"`
			Updated int64 `json:"_updatedAt"`
		}
		if err := json.Unmarshal(docs[0], &stamp); err != nil {
			return err
		}
		if stamp.Created == 0 || stamp.Created != stamp.Updated {
			t.Errorf("created %d, updated %d", stamp.Created, stamp.Updated)
		}
		diff(t, "document", fmt.Sprintf(`{"id":"own","z":1,"a":{"c":1.50,"b":[1,null]},"_createdAt":%d,"_updatedAt":%[1]d}`, stamp.Created), string(docs[0]))

		for query, want := range map[string]int{`{}`: 3, ``: 3, `{"a":2}`: 1, `{"id":"none"}`: 0, `{"id":"own","z":2}`: 0} {
			n, err := tx.Docs().Count("items", json.RawMessage(query))
			if err != nil || n != want {
				t.Errorf("count %s: %d, %v; want %d", query, n, err, want)
			}
		}
		n, err := tx.Docs().Count("others", nil)
		diff(t, "another collection", 0, n)
		return err
	})
	// The matcher has tables of its own in package storage; here a sample goes
	// all the way through the engine.
	tests := []struct {
		query string
		want  []string
	}{
		{`{"n":{"$gt":1,"$lte":3}}`, []string{"2", "3"}},
		{`{"tags":{"$contains":"x"}}`, []string{"1", "3"}},
		{`{"$or":[{"n":1},{"meta.owner":"b"}]}`, []string{"1", "2"}},
		{`{"meta":{"owner":"a"}}`, []string{"1"}},
		{`{"meta":null}`, []string{"3"}},
		{`{"n":{"$in":[]}}`, []string{}},
		{`{"n":{"$nin":[1]}}`, []string{"2", "3"}},
		{`{"meta.owner":{"$prefix":"a"}}`, []string{"1"}},
		{`{"$not":{"n":2}}`, []string{"1", "3"}},
		{`{"meta":{"$exists":false}}`, []string{"3"}},
	}
	insert(t, s, "sample", `{"n":1,"tags":["x","y"],"meta":{"owner":"a"}}`, `{"n":2,"tags":[],"meta":{"owner":"b"}}`, `{"n":3,"tags":"xyz"}`)
	for _, tt := range tests {
		diff(t, tt.query, tt.want, find(t, s, "sample", tt.query, "n", storage.FindOptions{}))
	}
}

func testDocsErrors(t *testing.T, s storage.Store) {
	insert(t, s, "items", `{"id":"taken","n":1}`)
	tests := []struct {
		name string
		fn   func(storage.Docs) error
		code storage.Code
	}{
		{"taken", func(d storage.Docs) error { _, err := d.Insert("items", json.RawMessage(`{"id":"taken"}`)); return err }, storage.CodeConflict},
		{"array", func(d storage.Docs) error { _, err := d.Insert("items", json.RawMessage(`[]`)); return err }, storage.CodeInvalid},
		{"no collection", func(d storage.Docs) error { _, err := d.Insert("", json.RawMessage(`{}`)); return err }, storage.CodeInvalid},
		{"collection", func(d storage.Docs) error { _, err := d.Find("a\x00", nil, storage.FindOptions{}); return err }, storage.CodeInvalid},
		{"large", func(d storage.Docs) error {
			_, err := d.Insert("items", json.RawMessage(`{"a":"`+strings.Repeat("x", storage.MaxDocument)+`"}`))
			return err
		}, storage.CodeQuotaExceeded},
		{"query", func(d storage.Docs) error {
			_, err := d.Find("items", json.RawMessage(`{"a":{"$x":1}}`), storage.FindOptions{})
			return err
		}, storage.CodeInvalid},
		{"array query", func(d storage.Docs) error { _, err := d.Count("items", json.RawMessage(`[]`)); return err }, storage.CodeInvalid},
		{"changes", func(d storage.Docs) error {
			_, err := d.Update("items", json.RawMessage(`{}`), json.RawMessage(`{"$x":{}}`))
			return err
		}, storage.CodeInvalid},
		{"id", func(d storage.Docs) error {
			_, err := d.Update("items", json.RawMessage(`{}`), json.RawMessage(`{"id":"x"}`))
			return err
		}, storage.CodeInvalid},
		{"delete without a query", func(d storage.Docs) error { _, err := d.Delete("items", nil); return err }, storage.CodeInvalid},
		{"delete with null", func(d storage.Docs) error { _, err := d.Delete("items", json.RawMessage(` null `)); return err }, storage.CodeInvalid},
		{"update without a query", func(d storage.Docs) error {
			_, err := d.Update("items", nil, json.RawMessage(`{"n":2}`))
			return err
		}, storage.CodeInvalid},
		{"limit", func(d storage.Docs) error {
			_, err := d.Find("items", nil, storage.FindOptions{Limit: storage.MaxRows + 1})
			return err
		}, storage.CodeInvalid},
		{"offset", func(d storage.Docs) error {
			_, err := d.Find("items", nil, storage.FindOptions{Offset: -1})
			return err
		}, storage.CodeInvalid},
		{"keep", func(d storage.Docs) error { _, err := d.DeleteOldest("items", -1); return err }, storage.CodeInvalid},
	}
	for _, tt := range tests {
		wantCode(t, tt.name, s.Tx(t.Context(), scope, func(tx storage.Tx) error { return tt.fn(tx.Docs()) }), tt.code)
	}
	diff(t, "left", []string{"1"}, find(t, s, "items", `{}`, "n", storage.FindOptions{}))
}

// testDocsOrder pages through documents while others come and go.
func testDocsOrder(t *testing.T, s storage.Store) {
	for i := range 6 {
		insert(t, s, "items", fmt.Sprintf(`{"n":%d,"id":"z%d"}`, i, 9-i))
	}
	page := func(offset int) []string {
		return find(t, s, "items", `{}`, "n", storage.FindOptions{Limit: 2, Offset: offset})
	}
	diff(t, "first page", []string{"0", "1"}, page(0))
	tx(t, s, func(tx storage.Tx) error {
		_, err := tx.Docs().Update("items", json.RawMessage(`{"n":{"$lt":2}}`), json.RawMessage(`{"touched":true}`))
		return err
	})
	insert(t, s, "items", `{"n":6}`)
	diff(t, "second page", []string{"2", "3"}, page(2))
	diff(t, "last page", []string{"6"}, page(6))
	diff(t, "past the end", []string{}, page(7))
	diff(t, "newest first", []string{"6", "5"}, find(t, s, "items", `{}`, "n", storage.FindOptions{Limit: 2, Desc: true}))
	diff(t, "matches", []string{"3", "5"}, find(t, s, "items", `{"n":{"$in":[1,3,5]}}`, "n", storage.FindOptions{Offset: 1}))

	tx(t, s, func(tx storage.Tx) error {
		n, err := tx.Docs().DeleteOldest("items", 3)
		diff(t, "deleted", 4, n)
		if err != nil {
			return err
		}
		n, err = tx.Docs().DeleteOldest("items", 3)
		diff(t, "deleted again", 0, n)
		return err
	})
	diff(t, "kept", []string{"4", "5", "6"}, find(t, s, "items", `{}`, "n", storage.FindOptions{}))
	tx(t, s, func(tx storage.Tx) error {
		n, err := tx.Docs().DeleteOldest("items", 0)
		diff(t, "deleted all", 3, n)
		return err
	})
}

func testDocsSort(t *testing.T, s storage.Store) {
	insert(t, s, "items", `{"n":1,"k":{"v":10}}`, `{"n":2,"k":{"v":"10"}}`, `{"n":3}`, `{"n":4,"k":{"v":2}}`,
		`{"n":5,"k":{"v":2}}`, `{"n":6,"k":{"v":null}}`, `{"n":7,"k":{"v":true}}`, `{"n":8,"k":{"v":[]}}`)
	tests := []struct {
		opt  storage.FindOptions
		want []string
	}{
		{storage.FindOptions{Sort: "k.v"}, []string{"3", "6", "7", "4", "5", "1", "2", "8"}},
		{storage.FindOptions{Sort: "k.v", Desc: true}, []string{"8", "2", "1", "5", "4", "7", "6", "3"}},
		{storage.FindOptions{Sort: "k.v", Limit: 3, Offset: 2}, []string{"7", "4", "5"}},
		{storage.FindOptions{Sort: "k.v", Offset: 100}, []string{}},
		{storage.FindOptions{Sort: "_createdAt", Limit: 1, Desc: true}, []string{"8"}},
		{storage.FindOptions{Sort: "'; DROP TABLE docs; --", Limit: 1}, []string{"1"}},
	}
	for _, tt := range tests {
		diff(t, fmt.Sprintf("%+v", tt.opt), tt.want, find(t, s, "items", `{}`, "n", tt.opt))
	}
}

func testDocsUpdate(t *testing.T, s storage.Store) {
	insert(t, s, "items", `{"id":"a","n":1,"list":[1,2]}`, `{"id":"b","n":2,"list":[]}`, `{"id":"c","n":3}`)
	tests := []struct {
		query, changes string
		want           int
		docs           []string // "n" and "list" of all, in order
	}{
		{`{"n":{"$lt":3}}`, `{"$inc":{"n":10},"$push":{"list":9}}`, 2, []string{"11 [1,2,9]", "12 [9]", "3 "}},
		{`{"id":"a"}`, `{"n":0,"$pull":{"list":{"$lt":3}}}`, 1, []string{"0 [9]", "12 [9]", "3 "}},
		{`{"id":"a","n":5}`, `{"n":1}`, 0, []string{"0 [9]", "12 [9]", "3 "}},
		{`{"list.0":9}`, `{"$unset":{"list":1}}`, 2, []string{"0 ", "12 ", "3 "}},
		{`{}`, `{"list":[{"x":1}],"$set":{"extra.deep":1}}`, 3, []string{`0 [{"x":1}]`, `12 [{"x":1}]`, `3 [{"x":1}]`}},
		{`{"extra":{"deep":1}}`, `{"n":7,"list":null}`, 3, []string{"7 null", "7 null", "7 null"}},
	}
	for _, tt := range tests {
		tx(t, s, func(tx storage.Tx) error {
			n, err := tx.Docs().Update("items", json.RawMessage(tt.query), json.RawMessage(tt.changes))
			if n != tt.want {
				t.Errorf("%s %s: %d, want %d", tt.query, tt.changes, n, tt.want)
			}
			return err
		})
		n, list := find(t, s, "items", `{}`, "n", storage.FindOptions{}), find(t, s, "items", `{}`, "list", storage.FindOptions{})
		var got []string
		for i := range n {
			got = append(got, n[i]+" "+list[i])
		}
		diff(t, tt.query+" "+tt.changes, tt.docs, got)
	}
}

// testDocsUpdateIsAtomic has an update fail on one of many documents, more than
// an engine would write at once: none may change, even if the caller ignores
// the error.
func testDocsUpdateIsAtomic(t *testing.T, s storage.Store) {
	const many = 1000
	tx(t, s, func(tx storage.Tx) error {
		for i := range many {
			n := fmt.Sprint(i)
			if i == many-1 {
				n = `"text"`
			}
			if _, err := tx.Docs().Insert("items", json.RawMessage(`{"n":`+n+`}`)); err != nil {
				return err
			}
		}
		return nil
	})
	before := find(t, s, "items", `{}`, "n", storage.FindOptions{})
	err := s.Tx(t.Context(), scope, func(tx storage.Tx) error {
		_, err := tx.Docs().Update("items", json.RawMessage(`{}`), json.RawMessage(`{"$inc":{"n":1}}`))
		wantCode(t, "update", err, storage.CodeInvalid)
		return nil
	})
	wantCode(t, "transaction", err, storage.CodeInvalid)
	if d := cmp.Diff(before, find(t, s, "items", `{}`, "n", storage.FindOptions{})); d != "" {
		t.Errorf("half an update (-want +got):\n%s", d)
	}
	tx(t, s, func(tx storage.Tx) error {
		n, err := tx.Docs().Update("items", json.RawMessage(`{"n":{"$gte":0}}`), json.RawMessage(`{"$inc":{"n":1}}`))
		diff(t, "many at once", many-1, n)
		return err
	})
}

func testDocsUpsert(t *testing.T, s storage.Store) {
	upsert := func(query, changes string) (n int) {
		tx(t, s, func(tx storage.Tx) (err error) {
			n, err = tx.Docs().Upsert("items", json.RawMessage(query), json.RawMessage(changes))
			return err
		})
		return n
	}
	for range 3 {
		diff(t, "upsert", 1, upsert(`{"kind":"visit","page.path":"/"}`, `{"$inc":{"n":1}}`))
	}
	diff(t, "counted", []string{"3"}, find(t, s, "items", `{"kind":"visit","page":{"path":"/"}}`, "n", storage.FindOptions{}))
	diff(t, "by id", 1, upsert(`{"id":"me"}`, `{"n":1}`))
	diff(t, "by id again", 1, upsert(`{"id":"me"}`, `{"n":2}`))
	diff(t, "one of that id", []string{"2"}, find(t, s, "items", `{"id":"me"}`, "n", storage.FindOptions{}))
	diff(t, "several", 2, upsert(`{}`, `{"seen":true}`))
	err := s.Tx(t.Context(), scope, func(tx storage.Tx) error {
		_, err := tx.Docs().Upsert("items", json.RawMessage(`{"id":"me","n":99}`), json.RawMessage(`{"n":3}`))
		return err
	})
	wantCode(t, "the id is taken", err, storage.CodeConflict)
}

func testDocsDelete(t *testing.T, s storage.Store) {
	insert(t, s, "items", `{"n":1}`, `{"n":2}`, `{"n":3,"id":"x"}`)
	insert(t, s, "others", `{"n":1}`)
	for _, tt := range []struct {
		query string
		want  int
	}{{`{"n":{"$lt":2}}`, 1}, {`{"id":"x"}`, 1}, {`{"id":"x"}`, 0}, {`{}`, 1}, {`{}`, 0}} {
		tx(t, s, func(tx storage.Tx) error {
			n, err := tx.Docs().Delete("items", json.RawMessage(tt.query))
			diff(t, tt.query, tt.want, n)
			return err
		})
	}
	insert(t, s, "items", `{"id":"x","n":4}`)
	diff(t, "the id is free again", []string{"4"}, find(t, s, "items", `{}`, "n", storage.FindOptions{}))
	diff(t, "others", []string{"1"}, find(t, s, "others", `{}`, "n", storage.FindOptions{}))
}

// testDocsNames uses names of fields, ids and collections that would do harm if
// they were taken for anything but data.
func testDocsNames(t *testing.T, s storage.Store) {
	names := []string{`a"b`, `a'b`, "a`b", `a]b[`, `a\b`, `$.a`, `a%b_c`, `'; DROP TABLE docs; --`, `$[0]`, "\u00e9\U0001f600", " ", `__proto__`, `*`, `a:b`, `?1`}
	for _, name := range names {
		key, err := json.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		insert(t, s, name, fmt.Sprintf(`{%s:1,"id":%[1]s,"sub":{%[1]s:[5]}}`, key), `{"other":2}`)
		if strings.HasPrefix(name, "$") {
			continue // an operator, as the first part of a path
		}
		query := fmt.Sprintf(`{%s:{"$gte":1}}`, key)
		if strings.Contains(name, ".") {
			continue
		}
		diff(t, "find "+name, []string{string(key)}, rename(find(t, s, name, query, "id", storage.FindOptions{Sort: name})))
		tx(t, s, func(tx storage.Tx) error {
			path, err := json.Marshal("sub." + name + ".0")
			if err != nil {
				return err
			}
			n, err := tx.Docs().Update(name, json.RawMessage(query), json.RawMessage(fmt.Sprintf(`{"$inc":{%s:1},%s:2}`, path, key)))
			diff(t, "update "+name, 1, n)
			if err != nil {
				return err
			}
			n, err = tx.Docs().Count(name, json.RawMessage(fmt.Sprintf(`{%s:2,%s:6}`, key, path)))
			diff(t, "count "+name, 1, n)
			return err
		})
	}
}

// rename writes JSON strings as encoding/json does.
func rename(texts []string) []string {
	out := []string{}
	for _, text := range texts {
		var s string
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			out = append(out, err.Error())
			continue
		}
		b, _ := json.Marshal(s)
		out = append(out, string(b))
	}
	return out
}

func testDocsLimits(t *testing.T, s storage.Store) {
	tx(t, s, func(tx storage.Tx) error {
		for range storage.MaxRows + 1 {
			if _, err := tx.Docs().Insert("items", json.RawMessage(`{}`)); err != nil {
				return err
			}
		}
		return nil
	})
	for _, sort := range []string{"", "id"} {
		find := func(opt storage.FindOptions) (n int, err error) {
			opt.Sort = sort
			err = s.View(t.Context(), scope, func(tx storage.Tx) error {
				docs, err := tx.Docs().Find("items", nil, opt)
				n = len(docs)
				return err
			})
			return n, err
		}
		_, err := find(storage.FindOptions{})
		wantCode(t, "too many", err, storage.CodeResultTooLarge)
		if n, err := find(storage.FindOptions{Offset: 1}); err != nil || n != storage.MaxRows {
			t.Errorf("as many as allowed: %d, %v", n, err)
		}
		if n, err := find(storage.FindOptions{Limit: storage.MaxRows}); err != nil || n != storage.MaxRows {
			t.Errorf("with a limit: %d, %v", n, err)
		}
	}
	large := `"` + strings.Repeat("x", 1<<20-100) + `"`
	tx(t, s, func(tx storage.Tx) error {
		for range storage.MaxResult>>20 + 2 {
			if _, err := tx.Docs().Insert("large", json.RawMessage(`{"a":`+large+`}`)); err != nil {
				return err
			}
		}
		return nil
	})
	for _, opt := range []storage.FindOptions{{}, {Sort: "id"}, {Limit: 1000}} {
		err := s.View(t.Context(), scope, func(tx storage.Tx) error {
			_, err := tx.Docs().Find("large", nil, opt)
			return err
		})
		wantCode(t, fmt.Sprintf("%+v", opt), err, storage.CodeResultTooLarge)
		_, err = s.Find(t.Context(), scope, "large", nil, opt)
		wantCode(t, fmt.Sprintf("%+v without a view", opt), err, storage.CodeResultTooLarge)
	}
	for _, bad := range []struct {
		collection, query string
		opt               storage.FindOptions
		code              storage.Code
	}{
		{"", `{}`, storage.FindOptions{}, storage.CodeInvalid},
		{"items", `{"$no":1}`, storage.FindOptions{}, storage.CodeInvalid},
		{"items", `{}`, storage.FindOptions{Offset: -1}, storage.CodeInvalid},
		{"items", `{}`, storage.FindOptions{Limit: storage.MaxRows + 1}, storage.CodeInvalid},
	} {
		_, err := s.Find(t.Context(), scope, bad.collection, json.RawMessage(bad.query), bad.opt)
		wantCode(t, fmt.Sprintf("%+v", bad), err, bad.code)
	}
	_, err := s.Find(t.Context(), storage.Scope{}, "items", nil, storage.FindOptions{})
	wantCode(t, "without an app", err, storage.CodeInvalid)
}
