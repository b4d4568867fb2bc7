package storage_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/fazt-sh/fazt/storage"
)

func TestNeedle(t *testing.T) {
	for query, want := range map[string]string{
		`{}`:                                 ``,
		`{"name":"ann"}`:                     `ann"`,
		`{"name":"ann","email":"a@b.c"}`:     `a@b.c"`,
		`{"name":null}`:                      ``,
		`{"name":{"$ne":"ann"}}`:             ``,
		`{"name":{"$not":{"$prefix":"a"}}}`:  ``,
		`{"name":{"$prefix":"an"}}`:          `"an`,
		`{"tags":{"$contains":"red"}}`:       `red`,
		`{"tags":{"$contains":1}}`:           `"tags"`,
		`{"m.price":{"$gte":10}}`:            `"price"`,
		`{"list.0":{"$gte":10}}`:             ``,
		`{"name":{"$in":["ann"]}}`:           `ann"`,
		`{"name":{"$in":["ann","bob"]}}`:     `"name"`,
		`{"name":{"$in":["ann",null]}}`:      ``,
		`{"name":{"$nin":["ann"]}}`:          ``,
		`{"name":{"$exists":true}}`:          `"name"`,
		`{"name":{"$exists":false}}`:         ``,
		`{"$or":[{"name":"ann"},{"n":1}]}`:   ``,
		`{"$and":[{"name":"ann"},{"n":10}]}`: `ann"`,
	} {
		q, err := storage.ParseQuery(json.RawMessage(query))
		if err != nil {
			t.Fatal(query, err)
		}
		if got := q.Needle(); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}

// TestNeedleLosesNothing holds the needle against the matcher.
func TestNeedleLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := fmt.Sprintf(`{"id":"i",%s:%s,%s:%s}`, jsonText(fieldNames.Draw(t, "a")), jsonValue(2).Draw(t, "value"),
			`"m"`, jsonValue(2).Draw(t, "m"))
		_, body, err := storage.NewDocument(json.RawMessage(doc), nil, 0)
		if err != nil {
			t.Skip(err) // a field twice
		}
		query := jsonQuery(2).Draw(t, "query")
		q, err := storage.ParseQuery(json.RawMessage(query))
		if err != nil {
			t.Fatal(query, err)
		}
		if q.Match(body) && !strings.Contains(body, `\`) && !strings.Contains(body, q.Needle()) {
			t.Fatalf("%s matches %s, which lacks %q", query, body, q.Needle())
		}
	})
}

var (
	fieldNames = rapid.SampledFrom([]string{"a", "b", "m", "0", "1", "a.b", `q"q`, "é", " ", "n"})
	paths      = rapid.SampledFrom([]string{"a", "b", "m", "m.a", "m.0", "m.1.a", "a.b", `q"q`, "é", " ", "n", "m.n"})
	// literals are JSON scalars: kinds side by side, and one value in several forms.
	literals = rapid.SampledFrom([]string{`null`, `true`, `false`, `0`, `-0`, `1`, `1.0`, `1e0`, `10`, `9007199254740993`,
		`1e300`, `""`, `"a"`, `"\u0061"`, `"ab"`, `"A"`, `"1"`, `"é"`, `"\u00e9"`, `"q\"q"`, `"\\"`, `"\u0000"`, `"\n"`, `" "`, `","`, `"}"`, `"a\u001eb"`, `"/"`, `"\/"`})
)

func jsonText(s string) string {
	text, _ := json.Marshal(s) // a string always encodes
	return string(text)
}

// jsonValue makes JSON texts.
func jsonValue(depth int) *rapid.Generator[string] {
	if depth == 0 {
		return literals
	}
	return rapid.OneOf(literals, rapid.Custom(func(t *rapid.T) string {
		return "[" + strings.Join(rapid.SliceOfN(jsonValue(depth-1), 0, 3).Draw(t, "array"), ",") + "]"
	}), rapid.Custom(func(t *rapid.T) string {
		names := rapid.SliceOfNDistinct(fieldNames, 0, 3, rapid.ID).Draw(t, "names")
		fields := make([]string, len(names))
		for i, name := range names {
			fields[i] = jsonText(name) + ":" + jsonValue(depth-1).Draw(t, "field")
		}
		return "{" + strings.Join(fields, ",") + "}"
	}))
}

// jsonQuery makes queries with every operator.
func jsonQuery(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		path := jsonText(paths.Draw(t, "path"))
		kinds := 6
		if depth > 0 {
			kinds = 9
		}
		switch rapid.IntRange(0, kinds).Draw(t, "kind") {
		case 0:
			return fmt.Sprintf(`{%s:%s}`, path, literals.Draw(t, "equal"))
		case 1:
			op := rapid.SampledFrom([]string{"$eq", "$ne", "$contains"}).Draw(t, "op")
			return fmt.Sprintf(`{%s:{%q:%s}}`, path, op, jsonValue(2).Draw(t, "operand"))
		case 2:
			op := rapid.SampledFrom([]string{"$gt", "$gte", "$lt", "$lte"}).Draw(t, "op")
			operand := rapid.SampledFrom([]string{`0`, `-0`, `1`, `9007199254740993`, `""`, `"a"`, `"é"`}).Draw(t, "operand")
			return fmt.Sprintf(`{%s:{%q:%s}}`, path, op, operand)
		case 3:
			op := rapid.SampledFrom([]string{"$in", "$nin"}).Draw(t, "op")
			return fmt.Sprintf(`{%s:{%q:[%s]}}`, path, op, strings.Join(rapid.SliceOfN(literals, 0, 3).Draw(t, "operands"), ","))
		case 4:
			return fmt.Sprintf(`{%s:{"$exists":%v}}`, path, rapid.Bool().Draw(t, "exists"))
		case 5:
			return fmt.Sprintf(`{%s:{"$prefix":%s}}`, path, rapid.SampledFrom([]string{`""`, `"a"`, `"é"`, `"\\"`, `"q\""`}).Draw(t, "prefix"))
		case 6:
			return `{}`
		case 7:
			return fmt.Sprintf(`{"$not":%s}`, jsonQuery(depth-1).Draw(t, "not"))
		}
		op := rapid.SampledFrom([]string{"$and", "$or"}).Draw(t, "op")
		return fmt.Sprintf(`{%q:[%s]}`, op, strings.Join(rapid.SliceOfN(jsonQuery(depth-1), 0, 3).Draw(t, "queries"), ","))
	})
}
