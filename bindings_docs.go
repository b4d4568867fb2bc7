package fazt

import (
	"context"
	"encoding/json"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/storage"
)

// docs gives handlers the document functions of one scope.
func (b binder) docs(h map[string]any, prefix string) {
	h[prefix+"insert"] = b.queue(func(args runtime.Args) (queueing, operation, error) {
		col, doc, err := collectionAnd(args)
		return func(ctx context.Context, p storage.Pipeline, scope storage.Scope) (runtime.Value, bool, error) {
				id, queued, err := p.Insert(ctx, scope, col, doc)
				return runtime.String(id), queued, err
			}, func(tx storage.Tx) (runtime.Value, error) {
				id, err := tx.Docs().Insert(col, doc)
				return runtime.String(id), err
			}, err
	})
	h[prefix+"insertMany"] = b.write(func(args runtime.Args) (operation, error) {
		col, list, err := collectionAnd(args)
		if err != nil {
			return nil, err
		}
		var docs []json.RawMessage
		if err := json.Unmarshal(list, &docs); err != nil {
			return nil, runtime.Invalid("argument 2 must be an array of documents")
		}
		return func(tx storage.Tx) (runtime.Value, error) {
			ids := make([]string, len(docs))
			for i, doc := range docs {
				if ids[i], err = tx.Docs().Insert(col, doc); err != nil {
					return runtime.Value{}, err
				}
			}
			return runtime.From(ids)
		}, nil
	})
	h[prefix+"find"] = b.read(func(args runtime.Args) (operation, error) {
		col, query, err := collectionAndQuery(args)
		if err != nil {
			return nil, err
		}
		opt, err := findOptions(args, 2)
		return func(tx storage.Tx) (runtime.Value, error) {
			docs, err := tx.Docs().Find(col, query, opt)
			return arrayOf(docs), err
		}, err
	})
	h[prefix+"findOne"] = b.read(func(args runtime.Args) (operation, error) {
		col, err := args.String(0)
		if err != nil {
			return nil, err
		}
		query, err := idOrQuery(args, 1)
		return func(tx storage.Tx) (runtime.Value, error) {
			docs, err := tx.Docs().Find(col, query, storage.FindOptions{Limit: 1})
			if err != nil || len(docs) == 0 {
				return runtime.Null(), err
			}
			return runtime.JSON(docs[0]), nil
		}, err
	})
	h[prefix+"update"] = b.change(storage.Docs.Update)
	h[prefix+"upsert"] = b.change(storage.Docs.Upsert)
	h[prefix+"delete"] = b.write(func(args runtime.Args) (operation, error) {
		col, query, err := collectionAnd(args)
		return func(tx storage.Tx) (runtime.Value, error) {
			n, err := tx.Docs().Delete(col, query)
			return runtime.Number(float64(n)), err
		}, err
	})
	h[prefix+"count"] = b.read(func(args runtime.Args) (operation, error) {
		col, query, err := collectionAndQuery(args)
		return func(tx storage.Tx) (runtime.Value, error) {
			n, err := tx.Docs().Count(col, query)
			return runtime.Number(float64(n)), err
		}, err
	})
	h[prefix+"deleteOldest"] = b.write(func(args runtime.Args) (operation, error) {
		col, err := args.String(0)
		if err != nil {
			return nil, err
		}
		keep, err := args.Int(1)
		return func(tx storage.Tx) (runtime.Value, error) {
			n, err := tx.Docs().DeleteOldest(col, int(keep))
			return runtime.Number(float64(n)), err
		}, err
	})
}

// change makes update and upsert, which take the same arguments.
func (b binder) change(apply func(storage.Docs, string, json.RawMessage, json.RawMessage) (int, error)) runtime.Func {
	return b.write(func(args runtime.Args) (operation, error) {
		col, err := args.String(0)
		if err != nil {
			return nil, err
		}
		query, err := idOrQuery(args, 1)
		if err != nil {
			return nil, err
		}
		changes, err := args.JSON(2)
		return func(tx storage.Tx) (runtime.Value, error) {
			n, err := apply(tx.Docs(), col, query, changes)
			return runtime.Number(float64(n)), err
		}, err
	})
}

func collectionAnd(args runtime.Args) (collection string, data json.RawMessage, err error) {
	if collection, err = args.String(0); err != nil {
		return "", nil, err
	}
	data, err = args.JSON(1)
	return collection, data, err
}

// collectionAndQuery is collectionAnd for calls that mean every document when
// the query is left out.
func collectionAndQuery(args runtime.Args) (collection string, query json.RawMessage, err error) {
	if args.Has(1) {
		return collectionAnd(args)
	}
	collection, err = args.String(0)
	return collection, json.RawMessage("{}"), err
}

// idOrQuery takes a string for the document of that id.
func idOrQuery(args runtime.Args, i int) (json.RawMessage, error) {
	arg, err := args.JSON(i)
	if err == nil && args.At(i).Kind() == runtime.KindString {
		arg = append(append([]byte(`{"id":`), arg...), '}')
	}
	return arg, err
}

// findOptions reads {limit, offset, order, sort}.
func findOptions(args runtime.Args, i int) (storage.FindOptions, error) {
	var in struct {
		Limit       *int
		Offset      int
		Order, Sort string
	}
	if !args.Has(i) {
		return storage.FindOptions{}, nil
	}
	if err := args.Unmarshal(i, &in); err != nil {
		return storage.FindOptions{}, err
	}
	if in.Order != "" && in.Order != "asc" && in.Order != "desc" {
		return storage.FindOptions{}, runtime.Invalid("argument %d: order must be \"asc\" or \"desc\", not %q", i+1, in.Order)
	}
	limit, err := limitArg(in.Limit, i)
	if err != nil {
		return storage.FindOptions{}, err
	}
	return storage.FindOptions{Limit: limit, Offset: in.Offset, Sort: in.Sort, Desc: in.Order == "desc"}, nil
}

// arrayOf makes one JSON array of texts that are valid already.
func arrayOf(items []json.RawMessage) runtime.Value {
	size := 2
	for _, item := range items {
		size += len(item) + 1
	}
	text := append(make([]byte, 0, size), '[')
	for i, item := range items {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, item...)
	}
	return runtime.JSON(append(text, ']'))
}
