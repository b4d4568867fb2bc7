package sqlite_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// broken are bodies of documents that another program may have written, in SQL.
var broken = []string{
	`'{"n":'`, `'{"n":1'`, `'{"n"'`, `'{"'`, `'nope'`, `x'7b'`, `x''`, `7`, `7.5`, `''`, `'{"n":1}{"n":2}'`, `'[1]'`, `'[1'`, `'"x"'`,
	`'"x'`, `'{n:1}'`, `'{"n":"a\'`, `'{"n":[{"a":'`, `'{"n":t}'`, `'{"n":-}'`, `'{"n":"\u12"}'`, `'}'`,
}

// brokenData returns a data file with a hundred documents, an index, and a key, of
// which the newest document and the key's value are as an SQL value says.
func brokenData(t *testing.T) (with func(value string) string, scope storage.Scope) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data.db")
	s := openAt(t, path, sqlite.Options{})
	published, err := s.Publish(t.Context(), storage.NewDeployment{Name: "shop", Indexes: map[string][]string{"items": {"n"}}}, 3)
	if err != nil {
		t.Fatal(err)
	}
	scope = storage.Scope{App: published.AppID}
	err = s.Tx(t.Context(), scope, func(tx storage.Tx) error {
		for i := range 99 {
			if _, err := tx.Docs().Insert("items", json.RawMessage(fmt.Sprintf(`{"n": 1, "m": %d}`, i%10))); err != nil {
				return err
			}
		}
		_, err := tx.Docs().Insert("items", json.RawMessage(`{"id": "victim", "n": 1}`))
		return errors.Join(err, tx.KV().Set("k", json.RawMessage(`1`), 0))
	})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	return func(value string) string {
		to := copyOf(t, path, filepath.Join(t.TempDir(), "data.db"))
		makeDatabase(t, to, "UPDATE documents SET body = "+value+" WHERE id = 'victim'; UPDATE kv SET value = "+value)
		return to
	}, scope
}

// step is something that is done with a data file.
type step struct {
	name string
	do   func(context.Context, *sqlite.Store) error
}

// TestBrokenDocuments: a document that something else has broken is an error that
// names it, or is found to be none that matches. It stops nobody else, and no process.
func TestBrokenDocuments(t *testing.T) {
	with, scope := brokenData(t)
	raw := func(text string) json.RawMessage { return json.RawMessage(text) }
	find := func(query string, opt storage.FindOptions) func(context.Context, *sqlite.Store) error {
		return func(ctx context.Context, s *sqlite.Store) error {
			_, err := s.Find(ctx, scope, "items", raw(query), opt)
			return err
		}
	}
	write := func(fn func(storage.Docs) (int, error)) func(context.Context, *sqlite.Store) error {
		return func(ctx context.Context, s *sqlite.Store) error {
			return s.Tx(ctx, scope, func(tx storage.Tx) error { _, err := fn(tx.Docs()); return err })
		}
	}
	steps := []step{
		{"all", find(`{}`, storage.FindOptions{})},
		{"by id", find(`{"id": "victim", "m": {"$gt": 1}}`, storage.FindOptions{})},
		{"scan", find(`{"m": {"$lt": 3}}`, storage.FindOptions{})},
		{"text", find(`{"x": "text"}`, storage.FindOptions{})},
		{"backwards", find(`{"m": {"$ne": 3}}`, storage.FindOptions{Desc: true})},
		{"by index", find(`{"n": 1, "m": {"$gt": 3}}`, storage.FindOptions{})},
		{"sorted", find(`{}`, storage.FindOptions{Sort: "m"})},
		{"by the index", find(`{}`, storage.FindOptions{Sort: "n", Limit: 5, Desc: true})},
		{"count", func(ctx context.Context, s *sqlite.Store) error {
			return s.View(ctx, scope, func(tx storage.Tx) error { _, err := tx.Docs().Count("items", raw(`{"n": 1, "m": 9}`)); return err })
		}},
		{"kv", func(ctx context.Context, s *sqlite.Store) error {
			return s.Tx(ctx, scope, func(tx storage.Tx) error {
				_, err := tx.KV().Get("k")
				_, listErr := tx.KV().List("", storage.Page{})
				_, incrErr := tx.KV().Incr("k", 1)
				return errors.Join(err, listErr, incrErr)
			})
		}},
		{"update all", write(func(d storage.Docs) (int, error) { return d.Update("items", raw(`{}`), raw(`{"z": 1}`)) })},
		{"update", write(func(d storage.Docs) (int, error) {
			return d.Update("items", raw(`{"n": 1}`), raw(`{"$inc": {"n": 1}}`))
		})},
		{"upsert", write(func(d storage.Docs) (int, error) { return d.Upsert("items", raw(`{"m": 77}`), raw(`{"z": 1}`)) })},
		{"delete", write(func(d storage.Docs) (int, error) { return d.Delete("items", raw(`{"m": {"$gt": 8}}`)) })},
		{"delete by id", write(func(d storage.Docs) (int, error) { return d.Delete("items", raw(`{"id": "victim"}`)) })},
		{"oldest", write(func(d storage.Docs) (int, error) { return d.DeleteOldest("items", 99) })},
		{"chunks", func(ctx context.Context, s *sqlite.Store) error {
			_, err := s.InChunks(ctx, scope).Update("items", raw(`{"n": 1}`), raw(`{"z": 2}`))
			return err
		}},
	}
	named := 0
	for _, value := range broken {
		s := openAt(t, with(value), sqlite.Options{})
		for _, step := range steps {
			err := step.do(t.Context(), s)
			if err != nil && strings.Contains(err.Error(), "panic") {
				t.Errorf("%s, %s: %v", value, step.name, err)
			}
			if storage.CodeOf(err) == storage.CodeFormat {
				named++
				if !strings.Contains(err.Error(), `"victim"`) && step.name != "kv" {
					t.Errorf("%s, %s names no document: %v", value, step.name, err)
				}
			}
		}
		// The others are there, and can be written.
		err := s.Tx(t.Context(), scope, func(tx storage.Tx) error {
			_, err := tx.Docs().Insert("items", raw(`{}`))
			return err
		})
		if err := errors.Join(err, s.Close()); err != nil {
			t.Fatalf("%s: what comes after: %v", value, err)
		}
	}
	if named < len(broken) {
		t.Errorf("only %d errors name what is broken", named)
	}
}
