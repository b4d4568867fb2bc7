package storagetest

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/storage"
)

// testOddInput uses keys and names that would mean something in SQL, in a
// pattern or in a path, and what is empty.
func testOddInput(t *testing.T, s storage.Store) {
	keys := []string{"%", "_", "a%", "a_", "ab", `'`, `"`, "`", "[", "]", "a[0]", `\`, "'; DROP TABLE kv; --", "?", "\u00e9", " ", "\n", "\U0001f600"}
	tx(t, s, func(tx storage.Tx) error {
		for _, key := range keys {
			if err := tx.KV().Set(key, json.RawMessage(`1`), 0); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, s, func(tx storage.Tx) error {
		for _, key := range keys {
			want := 0
			for _, k := range keys {
				if strings.HasPrefix(k, key) {
					want++
				}
			}
			entries, err := tx.KV().List(key, storage.Page{})
			if err != nil {
				return err
			}
			diff(t, "keys that start with "+key, want, len(entries))
		}
		return nil
	})
	tx(t, s, func(tx storage.Tx) error {
		for _, query := range []string{`{}`, `{"a":1}`, `{"a":{"$in":[]}}`} {
			n, err := tx.Docs().Update("nothing", json.RawMessage(query), json.RawMessage(`{"a":1}`))
			diff(t, "updated of nothing", 0, n)
			if err != nil {
				return err
			}
			if n, err = tx.Docs().Delete("nothing", json.RawMessage(query)); err != nil {
				return err
			}
			diff(t, "deleted of nothing", 0, n)
		}
		n, err := tx.Docs().DeleteOldest("nothing", 0)
		diff(t, "oldest of nothing", 0, n)
		return err
	})
	insert(t, s, "items", `{"a":1}`, `{"a":null}`, `{}`)
	diff(t, "in nothing", []string{}, find(t, s, "items", `{"a":{"$in":[]}}`, "a", storage.FindOptions{}))
	diff(t, "not in nothing", 3, len(find(t, s, "items", `{"a":{"$nin":[]}}`, "a", storage.FindOptions{})))
	diff(t, "of nothing", []string{}, find(t, s, "nothing", `{"a":1}`, "a", storage.FindOptions{Sort: "a", Limit: 1}))
}

// testBadInput wants each fault refused, with a code and the place, and nothing
// written, also if the caller goes on.
func testBadInput(t *testing.T, s storage.Store) {
	set(t, s, "k", `1`)
	insert(t, s, "items", `{"id":"d","n":1}`)
	deep := strings.Repeat(`[`, 101) + strings.Repeat(`]`, 101)
	deepQuery := strings.Repeat(`{"$not":`, 101) + `{}` + strings.Repeat(`}`, 101)
	kvSet := func(key, value string) func(storage.Tx) error {
		return func(tx storage.Tx) error { return tx.KV().Set(key, json.RawMessage(value), 0) }
	}
	docInsert := func(collection, doc string) func(storage.Tx) error {
		return func(tx storage.Tx) error { _, err := tx.Docs().Insert(collection, json.RawMessage(doc)); return err }
	}
	find := func(query string) func(storage.Tx) error {
		return func(tx storage.Tx) error {
			_, err := tx.Docs().Find("items", json.RawMessage(query), storage.FindOptions{})
			return err
		}
	}
	remove := func(query string) func(storage.Tx) error {
		return func(tx storage.Tx) error { _, err := tx.Docs().Delete("items", json.RawMessage(query)); return err }
	}
	update := func(changes string) func(storage.Tx) error {
		return func(tx storage.Tx) error {
			_, err := tx.Docs().Update("items", json.RawMessage(`{}`), json.RawMessage(changes))
			return err
		}
	}
	tests := []struct {
		name string
		do   func(storage.Tx) error
		code storage.Code
		path string
	}{
		{"a key with NUL", kvSet("a\x00b", `1`), storage.CodeInvalid, "key"},
		{"a key of 10 MB", kvSet(strings.Repeat("k", 10<<20), `1`), storage.CodeQuotaExceeded, "key"},
		{"an empty key", kvSet("", `1`), storage.CodeInvalid, "key"},
		{"a key that is not UTF-8", kvSet("a\xff", `1`), storage.CodeInvalid, "key"},
		{"to get a key with NUL", func(tx storage.Tx) error { _, err := tx.KV().Get("a\x00"); return err }, storage.CodeInvalid, "key"},
		{"a prefix with NUL", func(tx storage.Tx) error { _, err := tx.KV().List("a\x00", storage.Page{}); return err }, storage.CodeInvalid, "prefix"},
		{"a value out of range", kvSet("k", `[1,{"a":1e999}]`), storage.CodeInvalid, "value"},
		{"a long number out of range", kvSet("k", `-1`+strings.Repeat("0", 400)), storage.CodeInvalid, "value"},
		{"not a number", kvSet("k", `NaN`), storage.CodeInvalid, "value"},
		{"infinity", kvSet("k", `Infinity`), storage.CodeInvalid, "value"},
		{"a deep value", kvSet("k", deep), storage.CodeInvalid, "value"},
		{"a value that is not UTF-8", kvSet("k", "\"\xc3\x28\""), storage.CodeInvalid, "value"},
		{"a sum out of range", func(tx storage.Tx) error {
			if err := tx.KV().Set("k", json.RawMessage(`1e308`), 0); err != nil {
				return err
			}
			_, err := tx.KV().Incr("k", 1.7e308)
			return err
		}, storage.CodeInvalid, ""},

		{"a collection with NUL", docInsert("a\x00", `{}`), storage.CodeInvalid, "collection"},
		{"a collection of 10 MB", docInsert(strings.Repeat("c", 10<<20), `{}`), storage.CodeQuotaExceeded, "collection"},
		{"an id with NUL", docInsert("items", `{"id":"a\u0000"}`), storage.CodeInvalid, "id"},
		{"an id of 10 kB", docInsert("items", `{"id":"`+strings.Repeat("i", 10_000)+`"}`), storage.CodeQuotaExceeded, "id"},
		{"a document out of range", docInsert("items", `{"a":{"b":[0,1e999]}}`), storage.CodeInvalid, "a.b[1]"},
		{"a deep document", docInsert("items", `{"a":`+deep+`}`), storage.CodeInvalid, ""},
		{"a document that is not UTF-8", docInsert("items", "{\"a\":\"\xff\"}"), storage.CodeInvalid, ""},
		{"a field twice", docInsert("items", `{"a":[{"b":1,"b":2}]}`), storage.CodeInvalid, "a[0].b"},

		{"a query that is an array", find(`[{"a":1}]`), storage.CodeInvalid, ""},
		{"a query that is a string", find(`"d"`), storage.CodeInvalid, ""},
		{"an unknown operator", find(`{"a":{"$less":1}}`), storage.CodeInvalid, "a.$less"},
		{"an unknown operator on top", find(`{"$where":"1"}`), storage.CodeInvalid, "$where"},
		{"an operator of values on top", find(`{"$gt":1}`), storage.CodeInvalid, "$gt"},
		{"an operator of queries below", find(`{"a":{"$or":[]}}`), storage.CodeInvalid, "a.$or"},
		{"an operator of updates", find(`{"a":{"$inc":1}}`), storage.CodeInvalid, "a.$inc"},
		{"an operator beside a field", find(`{"a":{"$gt":1,"b":2}}`), storage.CodeInvalid, "a"},
		{"an operand of the wrong kind", find(`{"$and":[{"a":{"$in":1}}]}`), storage.CodeInvalid, "$and[0].a.$in"},
		{"an operand out of range", find(`{"$or":[{"a":1},{"a":{"$gt":1e999}}]}`), storage.CodeInvalid, "$or[1].a.$gt"},
		{"a deep query", find(deepQuery), storage.CodeInvalid, ""},
		{"a query that is not UTF-8", find("{\"a\":\"\xff\"}"), storage.CodeInvalid, ""},
		{"to delete by an array", remove(`[]`), storage.CodeInvalid, ""},
		{"to delete by an unknown operator", remove(`{"n":{"$is":1}}`), storage.CodeInvalid, "n.$is"},

		{"changes that are an array", update(`[]`), storage.CodeInvalid, ""},
		{"an unknown change", update(`{"$incr":{"n":1}}`), storage.CodeInvalid, "$incr"},
		{"a change without fields", update(`{"$inc":1}`), storage.CodeInvalid, "$inc"},
		{"a change of the wrong kind", update(`{"$inc":{"n":"1"}}`), storage.CodeInvalid, "$inc.n"},
		{"a change out of range", update(`{"$set":{"n":1e999}}`), storage.CodeInvalid, "$set.n"},
		{"deep changes", update(`{"n":` + deep + `}`), storage.CodeInvalid, ""},
		{"changes that make a document deep", update(`{"` + strings.Repeat("a.", 100) + `a":1}`), storage.CodeInvalid, ""},
		{"a query's operator in changes", update(`{"$gt":{"n":1}}`), storage.CodeInvalid, "$gt"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := everything(t, s, scope)
			err := s.Tx(t.Context(), scope, func(tx storage.Tx) error {
				err := tt.do(tx)
				e, ok := errors.AsType[*storage.Error](err)
				if !ok || e.Code != tt.code || e.Path != tt.path || e.Op == "" {
					t.Errorf("got %+v, want code %s at %q", err, tt.code, tt.path)
				}
				return err
			})
			wantCode(t, "transaction", err, tt.code)
			diff(t, "what is there", before, everything(t, s, scope))
		})
	}
}
