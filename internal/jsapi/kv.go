package jsapi

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/storage"
)

const pageOptions Type = "{limit?: number, after?: string}"

var kvFunctions = []Function{
	{Name: "kv.get", Params: []Param{required("key", typeString)}, Result: "any", make: binder.kvGet},
	{Name: "kv.set", Params: []Param{required("key", typeString), required("value", typeAny), optional("ttlMs", typeNumber)},
		Result: typeVoid, make: binder.kvSet},
	{Name: "kv.delete", Params: []Param{required("key", typeString)}, Result: typeBoolean, make: binder.kvDelete},
	{Name: "kv.incr", Params: []Param{required("key", typeString), optional("by", typeNumber)}, Result: typeNumber, make: binder.kvIncr},
	{Name: "kv.getVersion", Params: []Param{required("key", typeString)}, Result: typeNumber, make: binder.kvGetVersion},
	{Name: "kv.setIf", Params: []Param{required("key", typeString), required("value", typeAny), required("version", typeNumber)},
		Result: typeNumber, make: binder.kvSetIf},
	{Name: "kv.list", Params: []Param{optional("prefix", typeString), optional("page", pageOptions)},
		Result: "{key: string, value: any, expiresAt?: number}[]", make: binder.kvList},
}

func (b binder) kvGet() any {
	return runtime.Brief(b.scoped(kvRead, func(args runtime.Args) (scopedOperation, error) {
		key, err := args.String(0)
		return func(ctx context.Context, scope storage.Scope) (runtime.Value, error) {
			entry, err := b.api.opt.Store.Get(ctx, scope, key)
			if storage.CodeOf(err) == storage.CodeNotFound {
				return runtime.Undefined(), nil
			}
			return runtime.JSON(entry.Value), err
		}, err
	}))
}

func (b binder) kvSet() any {
	return b.queue(kvWrite, func(args runtime.Args) (queueing, operation, error) {
		key, value, err := keyAndValue(args)
		if err != nil {
			return nil, nil, err
		}
		ttl, err := ttlArg(args, 2)
		return func(ctx context.Context, p storage.Pipeline, scope storage.Scope) (runtime.Value, bool, error) {
				queued, err := p.Set(ctx, scope, key, value, ttl)
				return runtime.Undefined(), queued, err
			}, func(tx storage.Tx) (runtime.Value, error) {
				return runtime.Undefined(), tx.KV().Set(key, value, ttl)
			}, err
	})
}

func (b binder) kvDelete() any {
	return b.write(kvWrite, func(args runtime.Args) (operation, error) {
		key, err := args.String(0)
		return func(tx storage.Tx) (runtime.Value, error) {
			was, err := tx.KV().Delete(key)
			return runtime.Bool(was), err
		}, err
	})
}

func (b binder) kvIncr() any {
	return b.write(kvWrite, func(args runtime.Args) (operation, error) {
		key, err := args.String(0)
		by := 1.0
		if err == nil && args.Has(1) {
			by, err = args.Number(1)
		}
		return func(tx storage.Tx) (runtime.Value, error) {
			sum, err := tx.KV().Incr(key, by)
			return runtime.Number(sum), err
		}, err
	})
}

func (b binder) kvGetVersion() any {
	return b.read(kvRead, func(args runtime.Args) (operation, error) {
		key, err := args.String(0)
		return func(tx storage.Tx) (runtime.Value, error) {
			entry, err := tx.KV().Get(key)
			if storage.CodeOf(err) == storage.CodeNotFound {
				return runtime.Number(0), nil
			}
			return runtime.Number(float64(entry.Version)), err
		}, err
	})
}

func (b binder) kvSetIf() any {
	return b.write(kvWrite, func(args runtime.Args) (operation, error) {
		key, value, err := keyAndValue(args)
		if err != nil {
			return nil, err
		}
		version, err := args.Int(2)
		return func(tx storage.Tx) (runtime.Value, error) {
			now, err := tx.KV().SetIf(key, value, version)
			return runtime.Number(float64(now)), err
		}, err
	})
}

func (b binder) kvList() any {
	return runtime.Brief(b.scoped(kvRead, func(args runtime.Args) (scopedOperation, error) {
		start, err := optionalString(args, 0)
		if err != nil {
			return nil, err
		}
		page, err := pageArg(args, 1)
		return func(ctx context.Context, scope storage.Scope) (runtime.Value, error) {
			var entries []storage.Entry
			err := b.api.opt.Store.View(ctx, scope, func(tx storage.Tx) (err error) {
				entries, err = tx.KV().List(start, page)
				return err
			})
			if err != nil {
				return runtime.Value{}, err
			}
			return entryList(ctx, entries)
		}, err
	}))
}

func entryList(ctx context.Context, entries []storage.Entry) (runtime.Value, error) {
	const names = len(`{"key":"","value":,"expiresAt":1234567890123},`)
	size := 0
	for _, e := range entries {
		size += names + len(e.Key) + len(e.Value)
	}
	rows, err := newArray(ctx, size)
	if err != nil {
		return runtime.Value{}, err
	}
	for _, e := range entries {
		key, err := json.Marshal(e.Key)
		if err == nil {
			err = rows.next()
		}
		if err != nil {
			return runtime.Value{}, err
		}
		rows.add(`{"key":`, string(key), `,"value":`)
		rows.text = append(rows.text, e.Value...)
		if !e.ExpiresAt.IsZero() {
			rows.add(`,"expiresAt":`, strconv.FormatInt(e.ExpiresAt.UnixMilli(), 10))
		}
		rows.add("}")
	}
	return rows.value(), nil
}

func keyAndValue(args runtime.Args) (key string, value json.RawMessage, err error) {
	if key, err = args.String(0); err != nil {
		return "", nil, err
	}
	value, err = args.JSON(1)
	return key, value, err
}

// maxTTL is the longest time to live, in milliseconds: a hundred years, within
// what a time.Duration holds.
const maxTTL = 100 * 365 * 24 * 3600 * 1000.0

// ttlArg reads a number of milliseconds that may be left out: 0 is for ever.
func ttlArg(args runtime.Args, i int) (time.Duration, error) {
	if !args.Has(i) {
		return 0, nil
	}
	ttl, err := args.Number(i)
	if err == nil && (ttl <= 0 || ttl > maxTTL) {
		err = runtime.Invalid("argument %d, the time to live, must be a number of milliseconds above 0 and at most %.0f", i+1, maxTTL)
	}
	return time.Duration(ttl * float64(time.Millisecond)), err
}

// pageArg reads {limit, after}.
func pageArg(args runtime.Args, i int) (storage.Page, error) {
	var most *int
	var page storage.Page
	err := readOptions(args, i, option{"limit", &most}, option{"after", &page.After})
	if err == nil {
		page.Limit, err = limitArg(most, i)
	}
	return page, err
}

// limitArg reads a limit that may be left out. 0 is refused: to storage it
// means all, which is not what somebody who writes it expects.
func limitArg(limit *int, i int) (int, error) {
	if limit == nil {
		return 0, nil
	}
	if *limit < 1 || *limit > storage.MaxRows {
		return 0, runtime.Invalid("argument %d: limit must be from 1 to %d, not %d", i+1, storage.MaxRows, *limit)
	}
	return *limit, nil
}

// optionalString reads a string that may be left out.
func optionalString(args runtime.Args, i int) (string, error) {
	if !args.Has(i) {
		return "", nil
	}
	return args.String(i)
}
