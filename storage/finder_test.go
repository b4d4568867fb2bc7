package storage_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/fazt-sh/fazt/storage"
)

// TestFinderLosesNothing holds the finder against the matcher: where one document after
// another stands in a text, it has a word about each that matches.
func TestFinderLosesNothing(t *testing.T) {
	found, skipped := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		query := jsonQuery(2).Draw(t, "query")
		q, err := storage.ParseQuery(json.RawMessage(query))
		if err != nil {
			t.Fatal(query, err)
		}
		finder := storage.NewFinder(q)
		if finder == nil {
			return
		}
		for range 2 { // it is used for several texts
			bodies := rapid.SliceOfN(storedText, 1, 8).Draw(t, "bodies")
			finder.Look(strings.Join(bodies, "\x1e"))
			start := 0
			for _, body := range bodies {
				end := start + len(body)
				at := finder.Next(start)
				told := at >= 0 && at < end
				if q.Match(body) && !told {
					t.Fatalf("%s matches %s, which is not found in %q", query, body, bodies)
				}
				if told {
					found++
				} else {
					skipped++
				}
				start = end + 1
			}
		}
	})
	if found == 0 || skipped == 0 {
		t.Errorf("%d found, %d skipped: the test proves nothing", found, skipped)
	}
}

// TestFinderReadsAnyText has a finder's sample end at each place of a document, and texts
// in which a string looks like a field with half a value.
func TestFinderReadsAnyText(t *testing.T) {
	body := `{"a"` + strings.Repeat(" ", 2000) + `:"x","b":["y",1,"z\"",{"c":[2]},true],"n":-1.5e1,"o":{"p":null},":":",[}",",":[",:[,"],"q":":\""}`
	for _, path := range []string{"a", "b", "b.3.c", "n", "o", "o.p", ":", ",", "q", ":[", ":["} {
		for _, condition := range []string{`"x"`, `1`, `["y"]`, `{"p":null}`, `true`, `{"$contains":"y"}`, `{"$contains":1}`, `{"$contains":[2]}`,
			`{"$contains":{"c":[2]}}`, `{"$contains":null}`, `{"$in":["x",1,-15,[2]]}`, `{"$lt":0}`, `{"$gte":"a"}`, `{"$prefix":"x"}`, `{"$exists":true}`} {
			q, err := storage.ParseQuery(fmt.Appendf(nil, `{%q:%s}`, path, condition))
			if err != nil {
				t.Fatal(path, condition, err)
			}
			for cut := range len(body) + 1 {
				const sample = 4 << 10
				if cut > 10 && cut < 1990 {
					continue // all spaces
				}
				before := `{"pad":"` + strings.Repeat("-", sample-cut-len(`{"pad":""}x`)) + `"}`
				finder := storage.NewFinder(q)
				finder.Look(before + "\x1e" + body)
				if at := finder.Next(len(before) + 1); q.Match(body) && at < 0 {
					t.Errorf("%s %s is not found when the sample has %d bytes of it", path, condition, cut)
				}
				// As if the rest were not there, or were another document.
				finder.Look(body[:cut])
				finder.Look(body[cut:] + "\x1e" + body)
				if at := finder.Next(0); q.Match(body) && at < 0 {
					t.Errorf("%s %s is not found after %q", path, condition, body[cut:])
				}
			}
		}
	}
}

// storedText makes stored documents: what the engine writes, and what an operator might.
var storedText = rapid.Custom(func(t *rapid.T) string {
	field := func(name string) string {
		return jsonText(fieldNames.Draw(t, name)) + rapid.SampledFrom([]string{":", ":", " : ", ":\t"}).Draw(t, "colon") +
			jsonValue(2).Draw(t, name+" value")
	}
	a, b := field("a"), field("b")
	if rapid.Bool().Draw(t, "an operator's") {
		return `{"id":"i", ` + a + ` , ` + b + `}` // perhaps with one field twice
	}
	_, body, err := storage.NewDocument(json.RawMessage(`{"id":"i",`+a+`,`+b+`}`), nil, 0)
	if err != nil {
		return `{"id":"i",` + a + `}`
	}
	return body
})

var (
	fieldNames = rapid.SampledFrom([]string{"a", "b", "m", "0", "1", "a.b", `q"q`, "é", " ", "n", ":", ","})
	paths      = rapid.SampledFrom([]string{"a", "b", "m", "m.a", "m.0", "m.1.a", "a.b", `q"q`, "é", " ", "n", "m.n", ":", ","})
	// literals are JSON scalars: kinds side by side, and one value in several forms.
	literals = rapid.SampledFrom([]string{`null`, `true`, `false`, `0`, `-0`, `1`, `1.0`, `1e0`, `10`, `9007199254740993`,
		`1e300`, `""`, `"a"`, `"\u0061"`, `"ab"`, `"A"`, `"1"`, `"é"`, `"\u00e9"`, `"q\"q"`, `"\\"`, `"\u0000"`, `"\n"`, `" "`, `","`, `"}"`, `"a\u001eb"`, `"/"`, `"\/"`, `":[}"`, `":[,"`, `":\""`})
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

// TestNumbersCompareAsDoubles holds what is read of a number's text against strconv.
func TestNumbersCompareAsDoubles(t *testing.T) {
	texts := []string{"0", "-0", "1", "1.0", "1e0", "10e-1", "-1", "-1.0", "123456789012345", "1234567890123456", "123456789012345.0",
		"-123456789012345", "9007199254740992", "9007199254740993", "9007199254740993.0", "1e15", "1000000000000000", "0.1", "1E300"}
	for _, a := range texts {
		for _, b := range texts {
			x, errA := strconv.ParseFloat(a, 64)
			y, errB := strconv.ParseFloat(b, 64)
			if errA != nil || errB != nil {
				t.Fatal(a, b)
			}
			for op, want := range map[string]bool{"$eq": x == y, "$lt": x < y, "$gte": x >= y, "$contains": x == y} {
				q, err := storage.ParseQuery(fmt.Appendf(nil, `{"n":{%q:%s}}`, op, b))
				if err != nil {
					t.Fatal(err)
				}
				stored := a
				if op == "$contains" {
					stored = "[[1], " + a + " ]"
				}
				if got := q.Match(`{"n":` + stored + `}`); got != want {
					t.Errorf("%s %s %s: %v", stored, op, b, got)
				}
			}
		}
	}
}
