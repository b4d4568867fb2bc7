package sqlite_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// TestFewDocuments has finds of few documents, which are one statement, find what they
// find in a view: by key before and after the index is gone, and the collection is
// another.
func TestFewDocuments(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		app := publish(t, s, "shop", map[string][]string{"items": {"rare", "common", "n", "text"}})
		scope := storage.Scope{App: app}
		insertDocs(t, s, scope, "items", 0, 300)
		insertDocs(t, s, storage.Scope{App: app, User: "ann"}, "items", 0, 100)
		queries := []string{`{"id":"77"}`, `{"id":"none"}`, `{"id":"77","rare":8}`, `{}`, `{"rare":7}`, `{"rare":7,"n":{"$gt":74}}`,
			`{"rare":1000}`, `{"rare":null}`, `{"common":1}`, `{"common":1,"name":{"$contains":"9"}}`, `{"name":"name 000007"}`}
		options := []storage.FindOptions{{}, {Desc: true}, {Limit: 1}, {Limit: 3, Desc: true}, {Limit: 64}, {Limit: 65, Desc: true},
			{Offset: 2, Limit: 2}, {Sort: "n", Limit: 5, Desc: true}, {Sort: "common", Limit: 7}, {Sort: "rare", Desc: true, Limit: 64}, {Sort: "text", Desc: true, Limit: 3},
			{Sort: "text", Limit: 3}, {Limit: 1000}}
		compare := func(what string) {
			t.Helper()
			for _, scope := range []storage.Scope{scope, {App: app, User: "ann"}, {App: app, User: "bob"}} {
				for _, query := range queries {
					for _, opt := range options {
						for range 2 { // the second knows of the index
							var want []json.RawMessage
							if err := s.View(t.Context(), scope, func(tx storage.Tx) (err error) {
								want, err = tx.Docs().Find("items", json.RawMessage(query), opt)
								return err
							}); err != nil {
								t.Fatal(err)
							}
							got, err := s.Find(t.Context(), scope, "items", json.RawMessage(query), opt)
							if err != nil {
								t.Fatal(err)
							}
							if !slices.EqualFunc(want, got, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
								t.Errorf("%s: %s %+v: %.500s, want %.500s", what, query, opt, got, want)
							}
						}
					}
				}
			}
		}
		write := func(fn func(storage.Docs) error) {
			t.Helper()
			if err := s.Tx(t.Context(), scope, func(tx storage.Tx) error { return fn(tx.Docs()) }); err != nil {
				t.Fatal(err)
			}
		}
		compare("indexed")
		write(func(d storage.Docs) error {
			_, err := d.Update("items", json.RawMessage(`{"n":{"$lt":75}}`), json.RawMessage(`{"rare":7}`))
			return err
		})
		compare("with 75 of a key")
		write(func(d storage.Docs) error {
			for i, text := range []string{`"a"`, `[2,1]`, `[1,3]`, `"` + strings.Repeat("long", 50) + `2"`, `"` + strings.Repeat("long", 50) + `1"`} {
				if _, err := d.Update("items", fmt.Appendf(nil, `{"id":"%d"}`, i), fmt.Appendf(nil, `{"text":%s}`, text)); err != nil {
					return err
				}
			}
			return nil
		})
		compare("with keys that tell no order")
		publish(t, s, "shop", map[string][]string{"items": {"common", "text"}})
		compare("without one index")
		synctest.Wait()
		compare("without its entries")
		publish(t, s, "shop", map[string][]string{"items": {"rare", "text"}})
		synctest.Wait()
		compare("with another index of the field")
		write(func(d storage.Docs) error {
			_, err := d.Delete("items", json.RawMessage(`{}`))
			return err
		})
		compare("emptied")
		insertDocs(t, s, scope, "items", 50, 130)
		compare("filled again")
		synctest.Wait()
		compare("swept")

		// Texts that are too long to be one, and a body in a form that this package does
		// not write.
		write(func(d storage.Docs) error {
			for i := range 6 {
				doc := fmt.Sprintf(`{"id":"long %d","rare":7,"text":"%s"}`, i, strings.Repeat("x", 900_000))
				if _, err := d.Insert("items", json.RawMessage(doc)); err != nil {
					return err
				}
			}
			return nil
		})
		compare("long")
		if err := s.Write(t.Context(), func(q storage.SQL) error {
			_, err := q.Exec("UPDATE docs SET body = replace(body, 'name', 'na' || char(30) || 'me') WHERE app = ? AND id = '77'", app)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		compare("with a separator")
	})
}

// TestFewGivesReadersBack has finds fail over a text that is no JSON, more often than
// there are readers.
func TestFewGivesReadersBack(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		scope := storage.Scope{App: publish(t, s, "shop", nil)}
		insertDocs(t, s, scope, "items", 0, 2)
		if err := s.Write(t.Context(), func(q storage.SQL) error {
			_, err := q.Exec(`UPDATE docs SET body = '{"id":"0","text":"' WHERE id = '0'`)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		for range 2 * sqlite.Readers(s) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			found, err := s.Find(ctx, scope, "items", json.RawMessage(`{"id":"0","text":"a"}`), storage.FindOptions{})
			cancel()
			if err == nil || !strings.Contains(err.Error(), `the document "0"`) {
				t.Errorf("%s, %v; want an error that names the document", found, err)
			}
		}
		findTimes(t, s, scope, 1, `{"id":"1"}`, storage.FindOptions{}, 1)
	})
}
