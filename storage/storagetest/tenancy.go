package storagetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

// testTenancy has one scope try every call on the keys and ids of another's
// data. What it gets must be what it gets when that data is not there, and the
// data must be as it was.
func testTenancy(t *testing.T, s storage.Store) {
	indexes := map[string][]string{"items": {"n", "owner"}}
	var apps []string
	for _, name := range []string{"shop", "other"} {
		d, err := s.Publish(t.Context(), storage.NewDeployment{Name: name, Indexes: indexes}, 1)
		if err != nil {
			t.Fatal(err)
		}
		apps = append(apps, d.AppID)
	}
	shop, other := apps[0], apps[1]
	tests := []struct {
		name             string
		victim, intruder storage.Scope
	}{
		{"another app", storage.Scope{App: shop}, storage.Scope{App: other}},
		{"another app's user", storage.Scope{App: shop, User: "ann"}, storage.Scope{App: other, User: "ann"}},
		{"another user", storage.Scope{App: shop, User: "ann"}, storage.Scope{App: shop, User: "eve"}},
		{"a user and the app", storage.Scope{App: shop, User: "ann"}, storage.Scope{App: shop}},
		{"the app and a user", storage.Scope{App: shop}, storage.Scope{App: shop, User: "eve"}},
		{"a name that continues another", storage.Scope{App: shop}, storage.Scope{App: shop + "a"}},
		{"a name that ends in another", storage.Scope{App: shop, User: "ann"}, storage.Scope{App: shop + "ann"}},
		{"a user who is a pattern", storage.Scope{App: shop, User: "ann"}, storage.Scope{App: shop, User: "%"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			without := intrude(t, s, tt.intruder, errAbandon)
			furnish(t, s, tt.victim)
			before := everything(t, s, tt.victim)
			diff(t, "what the intruder sees", without, intrude(t, s, tt.intruder, errAbandon))
			intrude(t, s, tt.intruder, nil)
			diff(t, "what the victim has", before, everything(t, s, tt.victim))
			for _, scope := range []storage.Scope{tt.victim, tt.intruder} {
				empty(t, s, scope)
			}
		})
	}
}

// furnish gives a scope keys and documents.
func furnish(t *testing.T, s storage.Store, scope storage.Scope) {
	t.Helper()
	if err := s.Tx(t.Context(), scope, func(tx storage.Tx) error {
		for _, key := range []string{"a", "ab", "b"} {
			if err := tx.KV().Set(key, json.RawMessage(`41`), time.Hour); err != nil {
				return err
			}
		}
		for i := range 5 {
			if _, err := tx.Docs().Insert("items", fmt.Appendf(nil, `{"id":"d%d","n":%[1]d,"owner":"ann","plain":true}`, i)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// intrude makes every call, and returns what came of each. It ends with the
// given error.
func intrude(t *testing.T, s storage.Store, scope storage.Scope, end error) (seen []string) {
	t.Helper()
	query := func(text string) json.RawMessage { return json.RawMessage(text) }
	calls := []func(storage.KV, storage.Docs) (any, error){
		func(kv storage.KV, _ storage.Docs) (any, error) { e, err := kv.Get("a"); return string(e.Value), err },
		func(kv storage.KV, _ storage.Docs) (any, error) { return kv.List("", storage.Page{}) },
		func(kv storage.KV, _ storage.Docs) (any, error) {
			return kv.List("a", storage.Page{Limit: 1, After: "a"})
		},
		func(kv storage.KV, _ storage.Docs) (any, error) { return kv.Delete("ab") },
		func(kv storage.KV, _ storage.Docs) (any, error) { return kv.Incr("a", 1) },
		func(kv storage.KV, _ storage.Docs) (any, error) {
			_, err := kv.SetIf("b", json.RawMessage(`0`), 0)
			return nil, err
		},
		func(kv storage.KV, _ storage.Docs) (any, error) { return nil, kv.Set("ab", json.RawMessage(`0`), 0) },
		func(_ storage.KV, d storage.Docs) (any, error) { return d.Count("items", nil) },
		func(_ storage.KV, d storage.Docs) (any, error) { return d.Count("items", query(`{"id":"d1"}`)) },
		func(_ storage.KV, d storage.Docs) (any, error) { return d.Count("items", query(`{"n":2}`)) },
		func(_ storage.KV, d storage.Docs) (any, error) {
			return d.Find("items", query(`{"n":{"$gte":0},"owner":"ann"}`), storage.FindOptions{})
		},
		func(_ storage.KV, d storage.Docs) (any, error) {
			return d.Find("items", query(`{"plain":true}`), storage.FindOptions{})
		},
		func(_ storage.KV, d storage.Docs) (any, error) {
			return d.Find("items", nil, storage.FindOptions{Sort: "n", Desc: true, Limit: 3})
		},
		func(_ storage.KV, d storage.Docs) (any, error) {
			return d.Update("items", query(`{"n":{"$in":[1,2,3]}}`), query(`{"$inc":{"n":10},"owner":"eve"}`))
		},
		func(_ storage.KV, d storage.Docs) (any, error) {
			return d.Update("items", query(`{}`), query(`{"owner":"eve"}`))
		},
		func(_ storage.KV, d storage.Docs) (any, error) { return d.Delete("items", query(`{"owner":"ann"}`)) },
		func(_ storage.KV, d storage.Docs) (any, error) {
			return d.Insert("items", query(`{"id":"d1","n":7,"owner":"eve"}`))
		},
		func(_ storage.KV, d storage.Docs) (any, error) {
			return d.Upsert("items", query(`{"id":"d2"}`), query(`{"n":1}`))
		},
		func(_ storage.KV, d storage.Docs) (any, error) { return d.DeleteOldest("items", 1) },
		func(_ storage.KV, d storage.Docs) (any, error) { return d.Delete("items", query(`{}`)) },
	}
	err := s.Tx(context.Background(), scope, func(tx storage.Tx) error {
		seen = nil
		for _, call := range calls {
			out, err := call(tx.KV(), tx.Docs())
			if list, ok := out.([]storage.Entry); ok {
				out = len(list)
			}
			if list, ok := out.([]json.RawMessage); ok {
				out = len(list)
			}
			seen = append(seen, fmt.Sprint(out, err))
		}
		return end
	})
	if !errors.Is(err, end) {
		t.Fatal(err)
	}
	return seen
}

// everything returns all that a scope holds.
func everything(t *testing.T, s storage.Store, scope storage.Scope) (all []string) {
	t.Helper()
	if err := s.View(t.Context(), scope, func(tx storage.Tx) error {
		entries, err := tx.KV().List("", storage.Page{})
		if err != nil {
			return err
		}
		for _, e := range entries {
			all = append(all, fmt.Sprintf("%s %s %d %v", e.Key, e.Value, e.Version, e.ExpiresAt))
		}
		docs, err := tx.Docs().Find("items", nil, storage.FindOptions{})
		for _, doc := range docs {
			all = append(all, string(doc))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func empty(t *testing.T, s storage.Store, scope storage.Scope) {
	t.Helper()
	if err := s.Tx(t.Context(), scope, func(tx storage.Tx) error {
		for _, key := range []string{"a", "ab", "b"} {
			if _, err := tx.KV().Delete(key); err != nil {
				return err
			}
		}
		_, err := tx.Docs().Delete("items", json.RawMessage(`{}`))
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
