package storagetest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/fazt-sh/fazt/storage"
)

// modelDoc is a document without its timestamps.
type modelDoc map[string]any

// modelPaths are the fields that documents have, queries ask for and indexes
// may be made on. One has a name that would do harm inside SQL or a path.
var modelPaths = []string{"a", "m.b", "list", `x'"]%_`, "id"}

// modelValues are chosen for what may go wrong with them: kinds side by side,
// numbers that are equal or nearly so, and texts that are alike for longer than
// an index holds.
func modelValues() *rapid.Generator[any] {
	long := strings.Repeat("long ", storage.MaxIndexKey/5+1)
	scalar := rapid.SampledFrom([]any{nil, false, true,
		0.0, math.Copysign(0, -1), 1.0, 2.0, 2.5, -1.0, 1e300, -1e300, 5e-324, 9007199254740992.0, 9007199254740994.0,
		"", "a", "ab", "b", "1", "%", "_", "'", `"`, "\U0001f600", long, long + "a", long + "b"})
	few := rapid.SampledFrom([]any{nil, 1.0, 2.0, "a", long, long + "a"}) // so that things meet
	return rapid.OneOf(few, few, scalar, rapid.Map(rapid.SliceOfN(scalar, 0, 2), func(s []any) any { return s }),
		rapid.Map(rapid.MapOfN(rapid.SampledFrom([]string{"b", "c", "d"}), scalar, 0, 2), func(m map[string]any) any { return m }))
}

func deepCopy(v any) any {
	switch v := v.(type) {
	case map[string]any:
		c := make(map[string]any, len(v))
		for k, e := range v {
			c[k] = deepCopy(e)
		}
		return c
	case []any:
		c := make([]any, len(v))
		for i, e := range v {
			c[i] = deepCopy(e)
		}
		return c
	}
	return v
}

// at returns the value at a path of object fields.
func (d modelDoc) at(path string) (any, bool) {
	var v any = map[string]any(d)
	for name := range strings.SplitSeq(path, ".") {
		object, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		if v, ok = object[name]; !ok {
			return nil, false
		}
	}
	return v, true
}

// put sets the value at a path, and reports whether it can be.
func (d modelDoc) put(path string, v any) bool {
	object := map[string]any(d)
	name, rest, nested := strings.Cut(path, ".")
	if nested {
		if object[name] == nil {
			object[name] = map[string]any{}
		}
		inner, ok := object[name].(map[string]any)
		if !ok {
			return false
		}
		return modelDoc(inner).put(rest, v)
	}
	object[name] = v
	return true
}

// modelQuery is a query with what it means.
type modelQuery struct {
	text  any
	match func(modelDoc) bool
}

// present are values that documents have at a path, and some others.
func (m *model) present(path string) *rapid.Generator[any] {
	values := []any{nil}
	for _, d := range m.docs {
		if v, ok := d.at(path); ok {
			values = append(values, v)
		}
	}
	return rapid.OneOf(rapid.SampledFrom(values), rapid.SampledFrom(values), modelValues())
}

func condition(m *model) *rapid.Generator[modelQuery] {
	return rapid.Custom(func(t *rapid.T) modelQuery {
		path := rapid.SampledFrom(modelPaths).Draw(t, "path")
		op := rapid.SampledFrom([]string{"=", "=", "$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$in", "$nin", "$contains", "$exists", "$prefix", "range"}).Draw(t, "op")
		value := m.present(path).Draw(t, "value")
		if op == "=" {
			return modelQuery{map[string]any{path: value}, field(path, func(v any, _ bool) bool { return reflect.DeepEqual(v, value) })}
		}
		if op == "range" {
			low, high := rapid.SampledFrom([]float64{-2, 0, 1}).Draw(t, "low"), rapid.SampledFrom([]float64{1, 2, 1e300}).Draw(t, "high")
			return modelQuery{map[string]any{path: map[string]any{"$gte": low, "$lt": high}},
				field(path, func(v any, _ bool) bool { n, ok := v.(float64); return ok && n >= low && n < high })}
		}
		return operator(t, m, path, op, value)
	})
}

// field lifts a test of a value to one of a document; what is missing is null.
func field(path string, test func(v any, found bool) bool) func(modelDoc) bool {
	return func(d modelDoc) bool { return test(d.at(path)) }
}

func operator(t *rapid.T, m *model, path, op string, value any) modelQuery {
	var test func(v any, found bool) bool
	switch op {
	case "$eq":
		test = func(v any, _ bool) bool { return reflect.DeepEqual(v, value) }
	case "$ne":
		test = func(v any, _ bool) bool { return !reflect.DeepEqual(v, value) }
	case "$in", "$nin":
		values := rapid.SliceOfN(m.present(path), 0, 3).Draw(t, "values")
		value = values
		test = func(v any, _ bool) bool {
			return slices.ContainsFunc(values, func(e any) bool { return reflect.DeepEqual(v, e) }) == (op == "$in")
		}
	case "$contains":
		test = func(v any, _ bool) bool {
			list, isList := v.([]any)
			text, isText := v.(string)
			part, isPart := value.(string)
			return isList && slices.ContainsFunc(list, func(e any) bool { return reflect.DeepEqual(e, value) }) ||
				isText && isPart && strings.Contains(text, part)
		}
	case "$exists":
		want := rapid.Bool().Draw(t, "exists")
		value = want
		test = func(_ any, found bool) bool { return found == want }
	case "$prefix":
		prefix := fmt.Sprint(value)
		value = prefix
		test = func(v any, _ bool) bool { s, ok := v.(string); return ok && strings.HasPrefix(s, prefix) }
	default:
		if rank(value) != rank(0.0) && rank(value) != rank("") {
			value = 1.0
		}
		test = func(v any, _ bool) bool {
			c := compare(v, value)
			return rank(v) == rank(value) && map[string]bool{"$gt": c > 0, "$gte": c >= 0, "$lt": c < 0, "$lte": c <= 0}[op]
		}
	}
	return modelQuery{map[string]any{path: map[string]any{op: value}}, field(path, test)}
}

func query(m *model) *rapid.Generator[modelQuery] {
	return rapid.Custom(func(t *rapid.T) modelQuery {
		parts := rapid.SliceOfN(condition(m), 0, 2).Draw(t, "conditions")
		all := func(d modelDoc) bool {
			return !slices.ContainsFunc(parts, func(q modelQuery) bool { return !q.match(d) })
		}
		texts := []any{}
		for _, q := range parts {
			texts = append(texts, q.text)
		}
		switch rapid.SampledFrom([]string{"and", "and", "and", "or", "not"}).Draw(t, "form") {
		case "or":
			return modelQuery{map[string]any{"$or": texts}, func(d modelDoc) bool {
				return slices.ContainsFunc(parts, func(q modelQuery) bool { return q.match(d) })
			}}
		case "not":
			return modelQuery{map[string]any{"$not": map[string]any{"$and": texts}}, func(d modelDoc) bool { return !all(d) }}
		}
		return modelQuery{map[string]any{"$and": texts}, all}
	})
}

// rank is the order of kinds.
func rank(v any) int {
	switch v.(type) {
	case nil:
		return 0
	case bool:
		return 1
	case float64:
		return 2
	case string:
		return 3
	case []any:
		return 4
	}
	return 5
}

// compare is the order of a sort.
func compare(a, b any) int {
	if c := cmp.Compare(rank(a), rank(b)); c != 0 {
		return c
	}
	switch a := a.(type) {
	case bool:
		if a == b.(bool) {
			return 0
		}
		if a {
			return 1
		}
		return -1
	case float64:
		return cmp.Compare(a, b.(float64))
	case string:
		return strings.Compare(a, b.(string))
	}
	return 0
}

func docsStep(m *model) *rapid.Generator[step] {
	return rapid.OneOf(insertStep(), insertStep(), insertStep(), findStep(m), findStep(m), countStep(m),
		updateStep(m), updateStep(m), updateStep(m), removeStep(m), oldestStep())
}

func insertStep() *rapid.Generator[step] {
	return rapid.Custom(func(t *rapid.T) step {
		doc := modelDoc{"id": fmt.Sprint(rapid.IntRange(1, 40).Draw(t, "id"))}
		for _, path := range modelPaths[:4] {
			if rapid.IntRange(0, 3).Draw(t, "has") > 0 {
				doc.put(path, modelValues().Draw(t, path))
			}
		}
		text := encoded(doc)
		return step{"insert " + string(text),
			func(tx storage.Tx) (any, error) { return tx.Docs().Insert("items", text) },
			func(m *model) (any, storage.Code) {
				if slices.ContainsFunc(m.docs, func(d modelDoc) bool { return d["id"] == doc["id"] }) {
					return nil, storage.CodeConflict
				}
				m.docs = append(m.docs, doc)
				return doc["id"], ""
			}}
	})
}

func findStep(m *model) *rapid.Generator[step] {
	return rapid.Custom(func(t *rapid.T) step {
		q := query(m).Draw(t, "query")
		opt := storage.FindOptions{Limit: rapid.IntRange(0, 3).Draw(t, "limit"), Offset: rapid.IntRange(0, 2).Draw(t, "offset"),
			Desc: rapid.Bool().Draw(t, "desc"), Sort: rapid.SampledFrom(append(modelPaths, "")).Draw(t, "sort")}
		text := encoded(q.text)
		return step{fmt.Sprintf("find %s %+v", text, opt),
			func(tx storage.Tx) (any, error) {
				docs, err := tx.Docs().Find("items", text, opt)
				return withoutTimes(docs), err
			},
			func(m *model) (any, storage.Code) { return m.find(q, opt), "" }}
	})
}

func withoutTimes(docs []json.RawMessage) []any {
	found := []any{}
	for _, text := range docs {
		doc, _ := decoded(text).(map[string]any)
		delete(doc, "_createdAt")
		delete(doc, "_updatedAt")
		found = append(found, doc)
	}
	return found
}

func (m *model) find(q modelQuery, opt storage.FindOptions) []any {
	var matches []modelDoc
	for _, d := range m.docs {
		if q.match(d) {
			matches = append(matches, d)
		}
	}
	if opt.Sort != "" {
		slices.SortStableFunc(matches, func(a, b modelDoc) int {
			x, _ := a.at(opt.Sort)
			y, _ := b.at(opt.Sort)
			return compare(x, y)
		})
	}
	if opt.Desc {
		slices.Reverse(matches)
	}
	matches = matches[min(opt.Offset, len(matches)):]
	if opt.Limit > 0 {
		matches = matches[:min(opt.Limit, len(matches))]
	}
	found := []any{}
	for _, d := range matches {
		found = append(found, deepCopy(map[string]any(d)))
	}
	return found
}

func countStep(m *model) *rapid.Generator[step] {
	return rapid.Custom(func(t *rapid.T) step {
		q := query(m).Draw(t, "query")
		return step{"count " + string(encoded(q.text)),
			func(tx storage.Tx) (any, error) { return tx.Docs().Count("items", encoded(q.text)) },
			func(m *model) (any, storage.Code) { return len(m.find(q, storage.FindOptions{})), "" }}
	})
}

// updateStep sets, adds to, appends to and removes fields, in any mixture.
func updateStep(m *model) *rapid.Generator[step] {
	return rapid.Custom(func(t *rapid.T) step {
		q := query(m).Draw(t, "query")
		changes := map[string]any{}
		var apply []func(modelDoc) bool
		add := func(op, path string, value any, change func(modelDoc) bool) {
			changes[op] = map[string]any{path: value}
			apply = append(apply, change)
		}
		value := modelValues().Draw(t, "value")
		paths := rapid.Permutation(modelPaths[:4]).Draw(t, "paths")
		if rapid.Bool().Draw(t, "set") {
			add("$set", paths[0], value, func(d modelDoc) bool { return d.put(paths[0], deepCopy(value)) })
		}
		if rapid.Bool().Draw(t, "inc") {
			add("$inc", paths[1], 1, func(d modelDoc) bool {
				old, _ := d.at(paths[1])
				n, isNumber := old.(float64)
				return (old == nil || isNumber) && math.Abs(n+1) <= 1<<53-1 && d.put(paths[1], n+1)
			})
		}
		if rapid.Bool().Draw(t, "push") {
			add("$push", paths[2], value, func(d modelDoc) bool {
				old, _ := d.at(paths[2])
				list, isList := old.([]any)
				return (old == nil || isList) && d.put(paths[2], append(slices.Clone(list), deepCopy(value)))
			})
		}
		if rapid.Bool().Draw(t, "unset") {
			changes["$unset"] = map[string]any{paths[3]: 1}
			apply = append(apply, func(d modelDoc) bool { d.unset(paths[3]); return true })
		}
		return step{fmt.Sprintf("update %s %s", encoded(q.text), encoded(changes)),
			func(tx storage.Tx) (any, error) { return tx.Docs().Update("items", encoded(q.text), encoded(changes)) },
			func(m *model) (any, storage.Code) {
				n := 0
				for _, d := range m.docs {
					if !q.match(d) {
						continue
					}
					n++
					for _, change := range apply {
						if !change(d) {
							return nil, storage.CodeInvalid
						}
					}
				}
				return n, ""
			}}
	})
}

func (d modelDoc) unset(path string) {
	name, rest, nested := strings.Cut(path, ".")
	if !nested {
		delete(d, name)
	} else if inner, ok := d[name].(map[string]any); ok {
		modelDoc(inner).unset(rest)
	}
}

func removeStep(m *model) *rapid.Generator[step] {
	return rapid.Custom(func(t *rapid.T) step {
		q := query(m).Draw(t, "query")
		return step{"delete " + string(encoded(q.text)),
			func(tx storage.Tx) (any, error) { return tx.Docs().Delete("items", encoded(q.text)) },
			func(m *model) (any, storage.Code) {
				before := len(m.docs)
				m.docs = slices.DeleteFunc(m.docs, q.match)
				return before - len(m.docs), ""
			}}
	})
}

func oldestStep() *rapid.Generator[step] {
	return rapid.Custom(func(t *rapid.T) step {
		keep := rapid.IntRange(5, 30).Draw(t, "keep")
		return step{fmt.Sprint("delete oldest, keep ", keep),
			func(tx storage.Tx) (any, error) { return tx.Docs().DeleteOldest("items", keep) },
			func(m *model) (any, storage.Code) {
				n := max(0, len(m.docs)-keep)
				m.docs = slices.Delete(m.docs, 0, n)
				return n, ""
			}}
	})
}
