package sqlite_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/fazt-sh/fazt/storage"
)

// FuzzFieldNames uses a text as the name of a field, in documents, queries,
// updates, sorts and an index, and looks for one that reaches anything but the
// field of that name.
func FuzzFieldNames(f *testing.F) {
	for _, name := range []string{"a", "", " ", `a"b`, `a'b`, "a`b", "a]b[", `a\b`, "%", "_", "a.b", "a..b", ".", "$.a", "$where", "$[0]", "a[0]",
		"'; DROP TABLE docs; --", `') OR 1=1 --`, `" OR "1"="1`, "?1", ":a", "@a", "*", "body", "app", "seq", "id", "_createdAt", "\u00e9\U0001f600",
		"__proto__", "a\u0000b", "a\nb", "\u202e"} {
		f.Add(name)
	}
	s := open(f, f.TempDir()+"/data.db")
	f.Cleanup(func() { s.Close() })
	victim := storage.Scope{App: "victim"}
	if err := s.Tx(f.Context(), victim, func(tx storage.Tx) error {
		_, err := tx.Docs().Insert("items", json.RawMessage(`{"id":"secret","a":1}`))
		return err
	}); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if !utf8.ValidString(name) || name == "id" || name == "_createdAt" || name == "_updatedAt" {
			return // refused, or the store's own
		}
		text := func(format string) json.RawMessage {
			key, err := json.Marshal(name)
			if err != nil {
				t.Fatal(err)
			}
			return json.RawMessage(strings.ReplaceAll(format, "NAME", string(key)))
		}
		var fields []string
		if storage.CheckKey("", "", name) == nil {
			fields = []string{name}
		}
		app := publish(t, s, "fuzz", map[string][]string{"items": fields})
		// A path with dots leads elsewhere, and an operator nowhere.
		addressable := !strings.Contains(name, ".") && !strings.HasPrefix(name, "$")
		err := s.Tx(t.Context(), storage.Scope{App: app}, func(tx storage.Tx) error {
			d := tx.Docs()
			for _, doc := range []string{`{"id":"mine","other":{NAME:"x"},NAME:"x"}`, `{"id":"plain"}`} {
				if _, err := d.Insert("items", text(doc)); err != nil {
					return err
				}
			}
			want := map[string]int{
				`{NAME:"x"}`:                      1,
				`{NAME:{"$in":["x","y"]}}`:        1,
				`{NAME:{"$prefix":"x"}}`:          1,
				`{NAME:{"$exists":true}}`:         1,
				`{NAME:{"$ne":"x"}}`:              1,
				`{NAME:null}`:                     1,
				`{"$or":[{NAME:"x"},{NAME:"y"}]}`: 1,
				`{NAME:{"$gt":"x"}}`:              0,
			}
			if !addressable {
				want = map[string]int{`{NAME:"x"}`: 0, `{NAME:{"$prefix":"x"}}`: 0}
			}
			for query, n := range want {
				got, err := d.Count("items", text(query))
				if strings.HasPrefix(name, "$") {
					if err == nil {
						return fmt.Errorf("%s was accepted", text(query))
					}
				} else if err != nil || got != n {
					return fmt.Errorf("%s: %d, %v, want %d", text(query), got, err, n)
				}
			}
			docs, err := d.Find("items", nil, storage.FindOptions{Sort: name, Limit: 5})
			if err != nil || len(docs) != 2 {
				return fmt.Errorf("sorted: %d, %v", len(docs), err)
			}
			if addressable {
				if n, err := d.Update("items", text(`{NAME:"x"}`), text(`{NAME:"y","$push":{"list":1}}`)); err != nil || n != 1 {
					return fmt.Errorf("update: %d, %v", n, err)
				}
				if n, err := d.Count("items", text(`{NAME:"y"}`)); err != nil || n != 1 {
					return fmt.Errorf("updated: %d, %v", n, err)
				}
			}
			n, err := d.Delete("items", json.RawMessage(`{}`))
			if n != 2 {
				return fmt.Errorf("deleted %d", n)
			}
			return err
		})
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		if err := s.View(t.Context(), victim, func(tx storage.Tx) error {
			n, err := tx.Docs().Count("items", json.RawMessage(`{"id":"secret","a":1}`))
			if n != 1 {
				t.Errorf("%q reached another app's document", name)
			}
			return err
		}); err != nil {
			t.Fatalf("%q: %v", name, err)
		}
	})
}
