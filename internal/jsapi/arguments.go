package jsapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/fazt-sh/fazt/runtime"
)

// What is looked at before a function of the table is called: arguments that it would
// not look at, and ids that no document can have. Either means something to its author,
// who would not hear otherwise that it has no effect.

// checked is what [Function.make] returned, with these checks before it.
func (f Function) checked(name string, call any) any {
	before := func(call runtime.Func) runtime.Func {
		return func(ctx context.Context, args runtime.Args) (runtime.Value, error) {
			if err := f.surplus(args); err != nil {
				return runtime.Value{}, err
			}
			if err := f.ids(ctx, name, args); err != nil {
				return runtime.Value{}, err
			}
			return call(ctx, args)
		}
	}
	switch call := call.(type) {
	case runtime.Brief:
		return runtime.Brief(before(runtime.Func(call)))
	case runtime.Func:
		return before(call)
	case func(context.Context, runtime.Args) (runtime.Value, error):
		return before(call)
	}
	panic(fmt.Sprintf("%s is a %T, which is no function of the host's", name, call))
}

// surplus refuses arguments past the last parameter, but for undefined and null, and for
// what map and forEach give a function beside the element: ['a', 'b'].map(kv.get).
func (f Function) surplus(args runtime.Args) error {
	most := len(f.Params)
	if most == 1 && args.Len() == 3 && args.At(1).Kind() == runtime.KindNumber && bytes.HasPrefix(args.At(2).Raw(), []byte("[")) {
		return nil
	}
	for i := most; i < args.Len(); i++ {
		if !args.Has(i) {
			continue
		}
		takes := fmt.Sprintf("%d arguments", most)
		switch most {
		case 0:
			takes = "none"
		case 1:
			takes = "one argument"
		}
		return runtime.Invalid("argument %d would mean nothing: the function takes %s", i+1, takes)
	}
	return nil
}

// ids refuses a query for a document whose id is a number, and logs of a document with
// such an id that it gets another.
func (f Function) ids(ctx context.Context, name string, args runtime.Args) error {
	for i, p := range f.Params {
		raw := args.At(i).Raw()
		switch p.Type {
		case typeQuery, typeIDOrQuery, typeFields, typeFields + "[]", typeBatch:
			if !mayHaveOtherID(raw) {
				continue
			}
		}
		switch p.Type {
		case typeQuery, typeIDOrQuery:
			if id := otherID(raw); isNumber(id) {
				return noQuery("argument %d: id: %s is a number, and every id is a string; write String(id)", i+1, id)
			}
		case typeFields:
			tellMadeID(ctx, name, otherID(raw))
		case typeFields + "[]":
			var docs []json.RawMessage
			_ = json.Unmarshal(raw, &docs) // the function says what is wrong
			for _, doc := range docs {
				tellMadeID(ctx, name, otherID(doc))
			}
		case typeBatch:
			var writes []map[string]json.RawMessage
			_ = json.Unmarshal(raw, &writes)
			for at, write := range writes {
				if id := otherID(write["query"]); isNumber(id) {
					return noQuery("argument %d: [%d].query.id: %s is a number, and every id is a string; write String(id)", i+1, at, id)
				}
				tellMadeID(ctx, name, otherID(write["doc"]))
			}
		}
	}
	return nil
}

var idKey = []byte(`"id":`)

// mayHaveOtherID tells whether somewhere in a JSON text an id is something else than a
// string or null.
func mayHaveOtherID(text []byte) bool {
	for {
		i := bytes.Index(text, idKey)
		if i < 0 {
			return false
		}
		if text = text[i+len(idKey):]; len(text) > 0 && text[0] != '"' && text[0] != 'n' {
			return true
		}
	}
}

// otherID is the id of an object's JSON text if that is neither a string nor null.
func otherID(object []byte) json.RawMessage {
	var fields map[string]json.RawMessage
	if json.Unmarshal(object, &fields) != nil {
		return nil
	}
	if id := fields["id"]; len(id) > 0 && id[0] != '"' && id[0] != 'n' {
		return id
	}
	return nil
}

func isNumber(id json.RawMessage) bool {
	return len(id) > 0 && (id[0] == '-' || '0' <= id[0] && id[0] <= '9')
}

func tellMadeID(ctx context.Context, name string, id json.RawMessage) {
	if id != nil {
		runtime.Log(ctx, "warn", fmt.Sprintf("%s: the id %s is no string, so the document has got another; write String(id) to keep it", name, id))
	}
}

// tellOptions says so where a query that found nothing reads like options: it is one of
// nothing else, and {order: 'o-17'} is none.
func tellOptions(ctx context.Context, query json.RawMessage) {
	if !slices.ContainsFunc(optionStarts, func(start string) bool { return bytes.HasPrefix(query, []byte(start)) }) {
		return
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(query, &fields) != nil {
		return
	}
	for name, value := range fields {
		switch name {
		case "limit", "offset":
			if !isNumber(value) {
				return
			}
		case "order":
			if order := string(value); order != `"asc"` && order != `"desc"` {
				return
			}
		case "sort":
		default:
			return
		}
	}
	runtime.Log(ctx, "warn", fmt.Sprintf(
		"fazt.storage.ds.find: no document has %s among its fields; options come third, as in find(collection, {}, %s)", query, query))
}

// optionStarts spare other queries that find nothing the parsing.
var optionStarts = []string{`{"limit":`, `{"offset":`, `{"order":`, `{"sort":`}
