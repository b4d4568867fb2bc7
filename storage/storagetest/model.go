package storagetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fazt-sh/fazt/storage"
)

// model is what one scope holds, in the plainest form.
type model struct {
	kv   map[string]modelEntry
	docs []modelDoc // in order of insertion
}

type modelEntry struct {
	value   any
	expires bool
}

func (m *model) clone() *model {
	c := &model{kv: maps.Clone(m.kv), docs: slices.Clone(m.docs)}
	for i := range c.docs {
		c.docs[i] = deepCopy(map[string]any(c.docs[i])).(map[string]any)
	}
	return c
}

// step is one operation, on the store and on the model. Each returns what the
// caller would see, or the code of the error, which ends the transaction unless
// it is [storage.CodeNotFound] or [storage.CodeConflict].
type step struct {
	name  string
	store func(storage.Tx) (any, error)
	model func(*model) (any, storage.Code)
}

var errAbandon = errors.New("abandoned")

// testModel runs random transactions of random operations, in several scopes
// and under changing indexes, on the store and on a model of it.
func testModel(t *testing.T, s storage.Store) {
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		indexes := rapid.SliceOfDistinct(rapid.SampledFrom(modelPaths), rapid.ID)
		app := publishModel(t, s, run, indexes.Draw(t, "indexes"))
		scopes := []storage.Scope{{App: app}, {App: app, User: "ann"}, {App: app + "2"}}
		models := map[storage.Scope]*model{}
		for _, scope := range scopes {
			models[scope] = &model{kv: map[string]modelEntry{}}
			for _, insert := range rapid.SliceOfN(insertStep(), 0, 15).Draw(t, "inserts") {
				models[scope] = transact(t, s, scope, models[scope], []step{insert}, false)
			}
		}
		t.Repeat(map[string]func(*rapid.T){"step": func(t *rapid.T) {
			scope := rapid.SampledFrom(scopes).Draw(t, "scope")
			m := models[scope]
			switch rapid.IntRange(0, 9).Draw(t, "action") {
			case 0:
				publishModel(t, s, run, indexes.Draw(t, "indexes"))
			case 1, 2, 3, 4:
				look(t, s, scope, m, readStep(m).Draw(t, "read"))
			default:
				steps := rapid.SliceOfN(rapid.OneOf(kvStep(), docsStep(m), docsStep(m)), 1, 4).Draw(t, "steps")
				models[scope] = transact(t, s, scope, m, steps, rapid.IntRange(0, 9).Draw(t, "abandon") == 9)
			}
		}})
	})
}

func publishModel(t *rapid.T, s storage.Store, run int, fields []string) string {
	d, err := s.Publish(context.Background(), storage.NewDeployment{Name: fmt.Sprint("model", run),
		Indexes: map[string][]string{"items": fields}}, 1)
	if err != nil {
		t.Fatalf("Publish: %v", err)
	}
	return d.AppID
}

// transact runs steps in one transaction, and returns the model after it.
func transact(t *rapid.T, s storage.Store, scope storage.Scope, before *model, steps []step, abandon bool) *model {
	after := before.clone()
	var want []any
	var wantCode storage.Code
	for _, step := range steps {
		out, code := step.model(after)
		if code != "" && !survives(code) {
			wantCode = code
			break
		}
		want = append(want, out, code)
	}
	var got []any
	err := s.Tx(context.Background(), scope, func(tx storage.Tx) error {
		got = nil
		for _, step := range steps {
			out, err := step.store(tx)
			if err != nil && !survives(storage.CodeOf(err)) {
				return err
			}
			if err != nil {
				out = nil
			}
			got = append(got, out, storage.CodeOf(err))
		}
		if abandon {
			return errAbandon
		}
		return nil
	})
	names := make([]string, len(steps))
	for i := range steps {
		names[i] = steps[i].name
	}
	if code := storage.CodeOf(err); code != wantCode || code == "" && err != nil && !errors.Is(err, errAbandon) {
		t.Fatalf("%s: %v (code %q), want code %q", strings.Join(names, "; "), err, code, wantCode)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("%s (-model +store):\n%s", strings.Join(names, "; "), d)
	}
	if err != nil {
		return before
	}
	return after
}

// survives reports whether a transaction may go on after an error.
func survives(code storage.Code) bool {
	return code == storage.CodeNotFound || code == storage.CodeConflict
}

// look runs a step on a snapshot.
func look(t *rapid.T, s storage.Store, scope storage.Scope, m *model, step step) {
	want, wantCode := step.model(m.clone())
	var got any
	err := s.View(context.Background(), scope, func(tx storage.Tx) (err error) {
		got, err = step.store(tx)
		return err
	})
	if code := storage.CodeOf(err); code != wantCode || code == "" && err != nil {
		t.Fatalf("%s: %v, want code %q", step.name, err, wantCode)
	}
	if d := cmp.Diff(want, got); err == nil && d != "" {
		t.Fatalf("%s (-model +store):\n%s", step.name, d)
	}
}

func readStep(m *model) *rapid.Generator[step] {
	return rapid.OneOf(findStep(m), findStep(m), findStep(m), countStep(m), getStep(), listStep())
}

var modelKeys = rapid.SampledFrom([]string{"a", "ab", "abc", "b", "A", "a%", "a_", `a'"`, "a[0]", "é", "\U0001f600", "a\u007f"})

func kvStep() *rapid.Generator[step] {
	return rapid.OneOf(getStep(), listStep(), setStep(), deleteStep(), incrStep(), setIfStep())
}

func getStep() *rapid.Generator[step] {
	return rapid.Custom(func(t *rapid.T) step {
		key := modelKeys.Draw(t, "key")
		return step{"get " + key,
			func(tx storage.Tx) (any, error) {
				e, err := tx.KV().Get(key)
				if err != nil {
					return nil, err
				}
				return entryText(e), nil
			},
			func(m *model) (any, storage.Code) {
				e, ok := m.kv[key]
				if !ok {
					return nil, storage.CodeNotFound
				}
				return e.text(key), ""
			}}
	})
}

// entryText and text write an entry in the same way, with the value decoded.
func entryText(e storage.Entry) string {
	return modelEntry{decoded(e.Value), !e.ExpiresAt.IsZero()}.text(e.Key)
}

func (e modelEntry) text(key string) string { return fmt.Sprintf("%s=%#v %t", key, e.value, e.expires) }

func decoded(text []byte) any {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	return v
}

func encoded(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // the generators make nothing that JSON can't hold
	}
	return text
}

func setStep() *rapid.Generator[step] {
	return rapid.Custom(func(t *rapid.T) step {
		key, value := modelKeys.Draw(t, "key"), modelValues().Draw(t, "value")
		expires := rapid.Bool().Draw(t, "expires")
		ttl := time.Duration(0)
		if expires {
			ttl = time.Hour
		}
		return step{fmt.Sprintf("set %s %#v", key, value),
			func(tx storage.Tx) (any, error) { return nil, tx.KV().Set(key, encoded(value), ttl) },
			func(m *model) (any, storage.Code) { m.kv[key] = modelEntry{value, expires}; return nil, "" }}
	})
}

func deleteStep() *rapid.Generator[step] {
	return rapid.Custom(func(t *rapid.T) step {
		key := modelKeys.Draw(t, "key")
		return step{"delete " + key,
			func(tx storage.Tx) (any, error) { return tx.KV().Delete(key) },
			func(m *model) (any, storage.Code) {
				_, there := m.kv[key]
				delete(m.kv, key)
				return there, ""
			}}
	})
}

func incrStep() *rapid.Generator[step] {
	return rapid.Custom(func(t *rapid.T) step {
		key, by := modelKeys.Draw(t, "key"), float64(rapid.IntRange(-3, 3).Draw(t, "by"))
		return step{fmt.Sprintf("incr %s %v", key, by),
			func(tx storage.Tx) (any, error) { return tx.KV().Incr(key, by) },
			func(m *model) (any, storage.Code) {
				old, there := m.kv[key]
				n, isNumber := old.value.(float64)
				if there && !isNumber || math.Abs(n+by) > 1<<53-1 {
					return nil, storage.CodeInvalid
				}
				m.kv[key] = modelEntry{n + by, old.expires}
				return n + by, ""
			}}
	})
}

func setIfStep() *rapid.Generator[step] {
	return rapid.Custom(func(t *rapid.T) step {
		key, value := modelKeys.Draw(t, "key"), modelValues().Draw(t, "value")
		right := rapid.Bool().Draw(t, "right")
		return step{fmt.Sprintf("setIf %s %#v %t", key, value, right),
			func(tx storage.Tx) (any, error) {
				e, err := tx.KV().Get(key)
				if err != nil && storage.CodeOf(err) != storage.CodeNotFound {
					return nil, err
				}
				if !right {
					e.Version++
				}
				version, err := tx.KV().SetIf(key, encoded(value), e.Version)
				if err == nil && version == e.Version { // on several servers it may be a lesser one
					return "the version is the same", nil
				}
				return nil, err
			},
			func(m *model) (any, storage.Code) {
				if !right {
					return nil, storage.CodeConflict
				}
				m.kv[key] = modelEntry{value, m.kv[key].expires}
				return nil, ""
			}}
	})
}

func listStep() *rapid.Generator[step] {
	return rapid.Custom(func(t *rapid.T) step {
		prefix := rapid.SampledFrom([]string{"", "a", "ab", "a%", "a_", "é", "z"}).Draw(t, "prefix")
		page := storage.Page{Limit: rapid.IntRange(0, 3).Draw(t, "limit")}
		if rapid.Bool().Draw(t, "paged") {
			page.After = modelKeys.Draw(t, "after")
		}
		return step{fmt.Sprintf("list %q %+v", prefix, page),
			func(tx storage.Tx) (any, error) {
				entries, err := tx.KV().List(prefix, page)
				texts := []string{}
				for _, e := range entries {
					texts = append(texts, entryText(e))
				}
				return texts, err
			},
			func(m *model) (any, storage.Code) {
				texts := []string{}
				for _, key := range slices.Sorted(maps.Keys(m.kv)) {
					if strings.HasPrefix(key, prefix) && key > page.After && (page.Limit == 0 || len(texts) < page.Limit) {
						texts = append(texts, m.kv[key].text(key))
					}
				}
				return texts, ""
			}}
	})
}
