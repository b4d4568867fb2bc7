package jsapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/storage"
)

// maxBatch is how many writes one batch may have, as many as a request may make
// one by one. They run in one transaction, which everybody waits for.
const maxBatch = 1000

const typeBatch Type = "Write[]"

var batchFunctions = []Function{
	{Name: "batch", Params: []Param{required("writes", typeBatch)}, Result: "any[]", make: binder.batch},
}

// batch makes several writes together or none.
func (b binder) batch() any {
	return runtime.Brief(func(ctx context.Context, args runtime.Args) (runtime.Value, error) {
		return b.run(docsWrite, b.api.opt.Store.Tx, func(args runtime.Args) (operation, error) {
			return b.batchOperation(ctx, args)
		})(ctx, args)
	})
}

// batchOperation checks the writes of a batch, as far as that needs no data, and makes one
// operation of them.
func (b binder) batchOperation(ctx context.Context, args runtime.Args) (operation, error) {
	items, err := batchItems(ctx, args)
	if err != nil {
		return nil, err
	}
	writes := make([]operation, len(items))
	for i, item := range items {
		if err := runtime.Checkpoint(ctx); err != nil {
			return nil, err
		}
		if writes[i], err = item.write(i); err != nil {
			return nil, b.api.hostError(inItem(i, err))
		}
	}
	return func(tx storage.Tx) (runtime.Value, error) {
		results := make([]runtime.Value, len(writes))
		for i, write := range writes {
			if results[i], err = write(tx); err != nil {
				return runtime.Value{}, inItem(i, err)
			}
		}
		return runtime.From(results)
	}, nil
}

// inItem says in which item of the batch a fault lies.
func inItem(i int, err error) error {
	e, ok := errors.AsType[*storage.Error](err)
	if !ok {
		return err
	}
	located := *e
	located.Path = fmt.Sprintf("[%d]", i)
	if e.Path != "" {
		located.Path += "." + e.Path
	}
	return &located
}

// batchItem is one write, as it came.
type batchItem map[string]json.RawMessage

// batchItems takes the array apart, and lets others compute between two items, of which
// there may be a thousand.
func batchItems(ctx context.Context, args runtime.Args) ([]batchItem, error) {
	text, err := args.JSON(0)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if first, err := d.Token(); err != nil || first != json.Delim('[') {
		return nil, runtime.Invalid("argument 1 must be an array of writes, such as {kv: 'set', key: 'a', value: 1}")
	}
	var items []batchItem
	for d.More() {
		if err := runtime.Checkpoint(ctx); err != nil {
			return nil, err
		}
		if len(items) == maxBatch {
			return nil, runtime.Invalid("argument 1 has more than %d writes, the most that a batch may have", maxBatch)
		}
		var item batchItem
		if err := d.Decode(&item); err != nil || item == nil {
			return nil, runtime.Invalid("argument 1: [%d] must be an object, such as {kv: 'set', key: 'a', value: 1}", len(items))
		}
		items = append(items, item)
	}
	if _, err := d.Token(); err != nil || d.More() {
		return nil, runtime.Invalid("argument 1 is not JSON")
	}
	return items, nil
}

// batchWrite is a kind of write: the fields that it must and may have, beside
// the one that names it, and how it is made of them.
type batchWrite struct {
	required, optional []string
	make               func(batchItem, int) (operation, error)
}

var (
	kvWrites = map[string]batchWrite{
		"set":    {[]string{"key", "value"}, []string{"ttl"}, batchSet},
		"setIf":  {[]string{"key", "value", "version"}, nil, batchSetIf},
		"delete": {[]string{"key"}, nil, batchDelete},
		"incr":   {[]string{"key"}, []string{"by"}, batchIncr},
	}
	docsWrites = map[string]batchWrite{
		"insert": {[]string{"collection", "doc"}, nil, batchInsert},
		"update": {[]string{"collection", "query", "changes"}, nil, batchChange(storage.Docs.Update)},
		"upsert": {[]string{"collection", "query", "changes"}, nil, batchChange(storage.Docs.Upsert)},
		"delete": {[]string{"collection", "query"}, nil, batchRemove},
	}
)

// write checks the item as far as that needs no data, and makes its operation.
func (m batchItem) write(i int) (operation, error) {
	field, kinds := "kv", kvWrites
	if _, ok := m["ds"]; ok {
		field, kinds = "ds", docsWrites
	}
	if _, ok := m[field]; !ok {
		return nil, runtime.Invalid("argument 1: [%d] must have a field kv or ds that names the write", i)
	}
	name, err := m.text(i, field)
	if err != nil {
		return nil, err
	}
	kind, ok := kinds[name]
	if !ok {
		return nil, runtime.Invalid("argument 1: [%d].%s must be one of %s, not %q", i, field, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "), name)
	}
	for _, f := range kind.required {
		if _, ok := m[f]; !ok {
			return nil, runtime.Invalid("argument 1: [%d].%s is missing", i, f)
		}
	}
	for _, f := range slices.Sorted(maps.Keys(m)) {
		if f != field && !slices.Contains(kind.required, f) && !slices.Contains(kind.optional, f) {
			return nil, runtime.Invalid("argument 1: [%d].%s is no field of {%s: %q}", i, f, field, name)
		}
	}
	return kind.make(m, i)
}

// text, number and whole read a field of that type.
func (m batchItem) text(i int, field string) (s string, err error) {
	if raw := m[field]; len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", runtime.Invalid("argument 1: [%d].%s must be a string", i, field)
	}
	return s, nil
}

func (m batchItem) number(i int, field string) (f float64, err error) {
	if bytes.Equal(m[field], []byte("null")) || json.Unmarshal(m[field], &f) != nil {
		return 0, runtime.Invalid("argument 1: [%d].%s must be a number", i, field)
	}
	return f, nil
}

func (m batchItem) key(i int) (string, error) {
	key, err := m.text(i, "key")
	if err == nil {
		err = storage.CheckKey("batch", "key", key)
	}
	return key, err
}

func (m batchItem) entry(i int) (key string, value json.RawMessage, err error) {
	if key, err = m.key(i); err == nil {
		value, err = m["value"], storage.CheckValue("batch", m["value"])
	}
	return key, value, err
}

func batchSet(m batchItem, i int) (operation, error) {
	key, value, err := m.entry(i)
	if err != nil {
		return nil, err
	}
	var ttl float64
	if _, ok := m["ttl"]; ok {
		if ttl, err = m.number(i, "ttl"); err == nil && (ttl <= 0 || ttl > maxTTL) {
			err = runtime.Invalid("argument 1: [%d].ttl must be a number of milliseconds above 0 and at most %.0f", i, maxTTL)
		}
	}
	return func(tx storage.Tx) (runtime.Value, error) {
		return runtime.Null(), tx.KV().Set(key, value, time.Duration(ttl*float64(time.Millisecond)))
	}, err
}

func batchSetIf(m batchItem, i int) (operation, error) {
	key, value, err := m.entry(i)
	if err != nil {
		return nil, err
	}
	version, err := m.number(i, "version")
	if err == nil && (version < 0 || version > 1<<53 || version != float64(int64(version))) {
		err = runtime.Invalid("argument 1: [%d].version must be a version, as getVersion gives it", i)
	}
	return func(tx storage.Tx) (runtime.Value, error) {
		now, err := tx.KV().SetIf(key, value, int64(version))
		return runtime.Number(float64(now)), err
	}, err
}

func batchDelete(m batchItem, i int) (operation, error) {
	key, err := m.key(i)
	return func(tx storage.Tx) (runtime.Value, error) {
		was, err := tx.KV().Delete(key)
		return runtime.Bool(was), err
	}, err
}

func batchIncr(m batchItem, i int) (operation, error) {
	key, err := m.key(i)
	by := 1.0
	if _, ok := m["by"]; ok && err == nil {
		by, err = m.number(i, "by")
	}
	return func(tx storage.Tx) (runtime.Value, error) {
		sum, err := tx.KV().Incr(key, by)
		return runtime.Number(sum), err
	}, err
}

func (m batchItem) collection(i int) (string, error) {
	name, err := m.text(i, "collection")
	if err == nil {
		err = storage.CheckKey("batch", "collection", name)
	}
	return name, err
}

// query reads a query, or the id of a document.
func (m batchItem) query() (json.RawMessage, error) {
	query := m["query"]
	if query[0] == '"' {
		query = slices.Concat([]byte(`{"id":`), query, []byte("}"))
	}
	_, err := storage.ParseQuery(query)
	return query, under("query", err)
}

// under puts the path of a storage error below a field.
func under(field string, err error) error {
	if e, ok := errors.AsType[*storage.Error](err); ok {
		located := *e
		located.Op, located.Path = "batch", field
		if e.Path != "" {
			located.Path += "." + e.Path
		}
		return &located
	}
	return err
}

func batchInsert(m batchItem, i int) (operation, error) {
	collection, err := m.collection(i)
	if err != nil {
		return nil, err
	}
	doc := m["doc"]
	_, _, err = storage.NewDocument(doc, func() string { return "made later" }, 0)
	return func(tx storage.Tx) (runtime.Value, error) {
		id, err := tx.Docs().Insert(collection, doc)
		return runtime.String(id), err
	}, under("doc", err)
}

// changeFunc is [storage.Docs.Update] or [storage.Docs.Upsert].
type changeFunc func(docs storage.Docs, collection string, query, changes json.RawMessage) (int, error)

func batchChange(apply changeFunc) func(batchItem, int) (operation, error) {
	return func(m batchItem, i int) (operation, error) {
		collection, err := m.collection(i)
		if err != nil {
			return nil, err
		}
		query, err := m.query()
		if err != nil {
			return nil, err
		}
		changes := m["changes"]
		_, err = storage.ParseChanges(changes)
		return func(tx storage.Tx) (runtime.Value, error) {
			n, err := apply(tx.Docs(), collection, query, changes)
			return runtime.Number(float64(n)), err
		}, under("changes", err)
	}
}

func batchRemove(m batchItem, i int) (operation, error) {
	collection, err := m.collection(i)
	if err != nil {
		return nil, err
	}
	query, err := m.query()
	return func(tx storage.Tx) (runtime.Value, error) {
		n, err := tx.Docs().Delete(collection, query)
		return runtime.Number(float64(n)), err
	}, err
}
