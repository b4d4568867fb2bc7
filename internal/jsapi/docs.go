package jsapi

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/storage"
)

const (
	typeQuery     Type = "Query"
	typeIDOrQuery Type = "Query | string" // a string is the document of that id
	typeChanges   Type = "Changes"
	typeFields    Type = "{[field: string]: any}"
	typeDoc       Type = "Doc" // with its id and timestamps
)

// writeOptions are those of update, delete and deleteOldest.
const writeOptions Type = `{chunks?: boolean}`

const findOptions Type = `{limit?: number, offset?: number, order?: "asc" | "desc", sort?: string}`

var docsFunctions = []Function{
	{Name: "ds.insert", Params: []Param{required("collection", typeString), required("doc", typeFields)}, Result: typeString, make: binder.docsInsert},
	{Name: "ds.insertMany", Params: []Param{required("collection", typeString), required("docs", typeFields+"[]")},
		Result: "string[]", make: binder.docsInsertMany},
	{Name: "ds.find", Params: []Param{required("collection", typeString), optional("query", typeQuery), optional("options", findOptions)},
		Result: typeDoc + "[]", make: binder.docsFind},
	{Name: "ds.findOne", Params: []Param{required("collection", typeString), required("query", typeIDOrQuery)},
		Result: typeDoc + " | null", make: binder.docsFindOne},
	{Name: "ds.update", Params: []Param{required("collection", typeString), required("query", typeIDOrQuery), required("changes", typeChanges),
		optional("options", writeOptions)}, Result: typeNumber, make: binder.docsUpdate},
	{Name: "ds.upsert", Params: []Param{required("collection", typeString), required("query", typeIDOrQuery), required("changes", typeChanges)},
		Result: typeNumber, make: binder.docsUpsert},
	{Name: "ds.delete", Params: []Param{required("collection", typeString), required("query", typeQuery), optional("options", writeOptions)},
		Result: typeNumber, make: binder.docsDelete},
	{Name: "ds.count", Params: []Param{required("collection", typeString), optional("query", typeQuery)}, Result: typeNumber, make: binder.docsCount},
	{Name: "ds.deleteOldest", Params: []Param{required("collection", typeString), required("keep", typeNumber), optional("options", writeOptions)},
		Result: typeNumber, make: binder.docsDeleteOldest},
}

func (b binder) docsInsert() any {
	return b.queue(docsWrite, func(args runtime.Args) (queueing, operation, error) {
		col, doc, err := collectionAnd(args)
		return func(ctx context.Context, p storage.Pipeline, scope storage.Scope) (runtime.Value, bool, error) {
				id, queued, err := p.Insert(ctx, scope, col, doc)
				return runtime.String(id), queued, err
			}, func(tx storage.Tx) (runtime.Value, error) {
				id, err := tx.Docs().Insert(col, doc)
				return runtime.String(id), err
			}, err
	})
}

func (b binder) docsInsertMany() any {
	return b.write(docsWrite, func(args runtime.Args) (operation, error) {
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
}

func (b binder) docsFind() any {
	return runtime.Brief(b.scoped(docsRead, func(args runtime.Args) (scopedOperation, error) {
		col, query, err := collectionAndQuery(args)
		if err != nil {
			return nil, err
		}
		opt, err := findArg(args, 2)
		return func(ctx context.Context, scope storage.Scope) (runtime.Value, error) {
			docs, err := b.api.opt.Store.Find(ctx, scope, col, query, opt)
			if err != nil {
				return runtime.Value{}, err
			}
			if len(docs) == 0 && opt == (storage.FindOptions{}) {
				tellOptions(ctx, query)
			}
			return documentList(ctx, docs)
		}, err
	}))
}

func (b binder) docsFindOne() any {
	return runtime.Brief(b.scoped(docsRead, func(args runtime.Args) (scopedOperation, error) {
		col, err := args.String(0)
		if err != nil {
			return nil, err
		}
		query, err := idOrQuery(args, 1)
		return func(ctx context.Context, scope storage.Scope) (runtime.Value, error) {
			docs, err := b.api.opt.Store.Find(ctx, scope, col, query, storage.FindOptions{Limit: 1})
			if err != nil || len(docs) == 0 {
				return runtime.Null(), err
			}
			return runtime.JSON(docs[0]), nil
		}, err
	}))
}

func (b binder) docsCount() any {
	return b.read(docsRead, func(args runtime.Args) (operation, error) {
		col, query, err := collectionAndQuery(args)
		return func(tx storage.Tx) (runtime.Value, error) {
			n, err := tx.Docs().Count(col, query)
			return runtime.Number(float64(n)), err
		}, err
	})
}

func (b binder) docsUpdate() any {
	return b.change(3, func(args runtime.Args) (countFunc, error) {
		col, query, changes, err := changeArgs(args)
		return func(docs storage.ChunkedDocs) (int, error) { return docs.Update(col, query, changes) }, err
	})
}

func (b binder) docsUpsert() any {
	return b.write(docsWrite, func(args runtime.Args) (operation, error) {
		col, query, changes, err := changeArgs(args)
		return func(tx storage.Tx) (runtime.Value, error) {
			n, err := tx.Docs().Upsert(col, query, changes)
			return runtime.Number(float64(n)), err
		}, err
	})
}

func (b binder) docsDelete() any {
	return b.change(2, func(args runtime.Args) (countFunc, error) {
		col, err := args.String(0)
		if err != nil {
			return nil, err
		}
		if kind := args.At(1).Kind(); kind != runtime.KindJSON {
			return nil, noQuery("argument 2 must be a query, not %s; {} is every document", kind)
		}
		query, err := args.JSON(1)
		return func(docs storage.ChunkedDocs) (int, error) { return docs.Delete(col, query) }, err
	})
}

func (b binder) docsDeleteOldest() any {
	return b.change(2, func(args runtime.Args) (countFunc, error) {
		col, err := args.String(0)
		if err != nil {
			return nil, err
		}
		keep, err := args.Int(1)
		return func(docs storage.ChunkedDocs) (int, error) { return docs.DeleteOldest(col, int(keep)) }, err
	})
}

// countFunc writes documents and returns how many. A [storage.Docs] is a
// [storage.ChunkedDocs] too.
type countFunc func(storage.ChunkedDocs) (int, error)

// change makes a function that writes in one transaction or, if its options, the
// argument i, say so, in chunks.
func (b binder) change(i int, prepare func(runtime.Args) (countFunc, error)) runtime.Brief {
	return runtime.Brief(b.scoped(docsWrite, func(args runtime.Args) (scopedOperation, error) {
		write, err := prepare(args)
		if err != nil {
			return nil, err
		}
		chunks, err := chunksArg(args, i)
		return func(ctx context.Context, scope storage.Scope) (runtime.Value, error) {
			if chunks {
				n, err := write(b.api.opt.Store.InChunks(ctx, scope))
				return runtime.Number(float64(n)), err
			}
			return transact(ctx, b.api.opt.Store.Tx, scope, func(tx storage.Tx) (runtime.Value, error) {
				n, err := write(tx.Docs())
				return runtime.Number(float64(n)), err
			})
		}, err
	}))
}

// chunksArg reads {chunks}.
func chunksArg(args runtime.Args, i int) (bool, error) {
	var chunks bool
	err := readOptions(args, i, option{"chunks", &chunks})
	return chunks, err
}

// changeArgs reads the collection, the query or id, and the changes.
func changeArgs(args runtime.Args) (collection string, query, changes json.RawMessage, err error) {
	if collection, err = args.String(0); err != nil {
		return "", nil, nil, err
	}
	if query, err = idOrQuery(args, 1); err != nil {
		return "", nil, nil, err
	}
	changes, err = args.JSON(2)
	return collection, query, changes, err
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

// noQuery is the error of a call that does not say which documents it means.
func noQuery(format string, args ...any) error {
	err := runtime.Invalid(format, args...)
	err.Code = "INVALID_QUERY"
	return err
}

// idOrQuery takes a string for the document of that id.
func idOrQuery(args runtime.Args, i int) (json.RawMessage, error) {
	kind := args.At(i).Kind()
	if kind != runtime.KindString && kind != runtime.KindJSON {
		return nil, noQuery("argument %d must be an id or a query, not %s", i+1, kind)
	}
	arg, err := args.JSON(i)
	if err == nil && kind == runtime.KindString {
		arg = append(append([]byte(`{"id":`), arg...), '}')
	}
	return arg, err
}

// findArg reads {limit, offset, order, sort}.
func findArg(args runtime.Args, i int) (storage.FindOptions, error) {
	var opt storage.FindOptions
	var most, offset *int
	order := "asc"
	err := readOptions(args, i, option{"limit", &most}, option{"offset", &offset}, option{"order", &order}, option{"sort", &opt.Sort})
	if err != nil {
		return opt, err
	}
	if order != "asc" && order != "desc" {
		return opt, runtime.Invalid("argument %d: order must be \"asc\" or \"desc\", not %q", i+1, order)
	}
	if field, ok := strings.CutPrefix(opt.Sort, "-"); ok {
		return opt, runtime.Invalid("argument %d: sort names a field, and %q is none; write {sort: %q, order: 'desc'}", i+1, opt.Sort, field)
	}
	if offset != nil {
		opt.Offset = *offset
	}
	opt.Desc = order == "desc"
	opt.Limit, err = limitArg(most, i)
	return opt, err
}

func documentList(ctx context.Context, docs []json.RawMessage) (runtime.Value, error) {
	size := 0
	for _, doc := range docs {
		size += len(doc) + 1
	}
	list, err := newArray(ctx, size)
	if err != nil {
		return runtime.Value{}, err
	}
	for _, doc := range docs {
		if err := list.next(); err != nil {
			return runtime.Value{}, err
		}
		list.text = append(list.text, doc...)
	}
	return list.value(), nil
}
