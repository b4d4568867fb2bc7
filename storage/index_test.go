package storage_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/storage"
)

// key returns the index key of a value.
func key(t testing.TB, value string) []byte {
	t.Helper()
	_, body, err := storage.NewDocument(json.RawMessage(`{"a":`+value+`}`), func() string { return "x" }, 1)
	if err != nil {
		t.Fatal(err)
	}
	return storage.IndexKey(body, storage.Path{"a"})
}

var long = strings.Repeat("x", storage.MaxIndexKey)

func TestIndexKeyOrder(t *testing.T) {
	ordered := []string{`null`, `false`, `true`,
		`-1.7976931348623157e308`, `-1e300`, `-2`, `-1`, `-0.5`, `-5e-324`, `0`, `5e-324`, `0.1`, `1`, `1.5`, `2`, `10`, `9007199254740993`, `1e300`,
		`""`, `"\u0001"`, `" "`, `"10"`, `"9"`, `"A"`, `"a"`, `"aa"`, `"b"`, `"é"`, `"\uffff"`, `"😀"`, `[]`, `{}`}
	for i := 1; i < len(ordered); i++ {
		if bytes.Compare(key(t, ordered[i-1]), key(t, ordered[i])) >= 0 {
			t.Errorf("the key of %s is not below that of %s", ordered[i-1], ordered[i])
		}
	}
}

func TestIndexKeyEquality(t *testing.T) {
	tests := []struct {
		a, b string
		same bool
	}{
		{`0`, `-0`, true},
		{`1`, `1.0`, true},
		{`100`, `1e2`, true},
		{`9007199254740993`, `9007199254740992`, true}, // the same double
		{`"a"`, `"\u0061"`, true},
		{`{"a":1,"b":[2]}`, `{ "b" : [2.0], "a" : 1 }`, true},
		{`[1,2]`, `[2,1]`, false},
		{`1`, `"1"`, false},
		{`0`, `false`, false},
		{`null`, `false`, false},
		{`[]`, `{}`, false},
		{`""`, `null`, false},
		{`"` + long + `a"`, `"` + long + `b"`, true}, // told apart by the document
	}
	for _, tt := range tests {
		if same := bytes.Equal(key(t, tt.a), key(t, tt.b)); same != tt.same {
			t.Errorf("%s and %s: same key %t, want %t", tt.a, tt.b, same, tt.same)
		}
	}
	if !bytes.Equal(storage.IndexKey(`{"b":1}`, storage.Path{"a"}), key(t, `null`)) {
		t.Error("what is missing is not held as null")
	}
	if n := len(key(t, `{"a":["`+long+`",{"b":"`+long+`"}]}`)); n != storage.MaxIndexKey {
		t.Errorf("a key of %d bytes", n)
	}
}

func TestIndexTie(t *testing.T) {
	tests := []struct {
		value string
		tie   int
		exact bool
	}{
		{`null`, 1, true},
		{`1`, 9, true},
		{`"ab"`, 3, true},
		{`"` + long + `"`, storage.MaxIndexKey, false},
		{`[1,2]`, 1, false},
		{`{"a":1}`, 1, false},
	}
	for _, tt := range tests {
		tie, exact := storage.IndexTie(key(t, tt.value))
		if len(tie) != tt.tie || exact != tt.exact {
			t.Errorf("%.10s: tie of %d bytes, exact %t", tt.value, len(tie), exact)
		}
	}
}

// TestIndexRanges asks which of some values lie in the ranges of a query.
func TestIndexRanges(t *testing.T) {
	values := []string{`null`, `false`, `true`, `-1`, `0`, `5`, `7`, `9`, `""`, `"a"`, `"ab"`, `"b"`, `[]`, `[5]`, `{"x":1}`}
	tests := []struct {
		query string
		want  []string
		ok    bool
	}{
		{`{}`, nil, false},
		{`{"b":1}`, nil, false},
		{`{"a":{"$ne":1}}`, nil, false},
		{`{"a":{"$nin":[1]}}`, nil, false},
		{`{"a":{"$exists":true}}`, nil, false},
		{`{"a":{"$contains":5}}`, nil, false},
		{`{"$or":[{"a":1},{"a":2}]}`, nil, false},
		{`{"$not":{"a":1}}`, nil, false},
		{`{"a":5}`, []string{`5`}, true},
		{`{"a":-0.0}`, []string{`0`}, true},
		{`{"a":null}`, []string{`null`}, true},
		{`{"a":[5]}`, []string{`[5]`}, true},
		{`{"a":{"x":1}}`, []string{`{"x":1}`}, true},
		{`{"a":{"$in":[]}}`, []string{}, true},
		{`{"a":{"$in":["b",5,"b",null]}}`, []string{`null`, `5`, `"b"`}, true},
		{`{"a":{"$gte":5}}`, []string{`5`, `7`, `9`}, true},
		{`{"a":{"$gte":5,"$lt":9}}`, []string{`5`, `7`, `9`}, true}, // and 9 is then not matched
		{`{"a":{"$lte":0}}`, []string{`-1`, `0`}, true},
		{`{"a":{"$gte":"ab"}}`, []string{`"ab"`, `"b"`}, true},
		{`{"a":{"$lte":"ab"}}`, []string{`""`, `"a"`, `"ab"`}, true},
		{`{"a":{"$prefix":"a"}}`, []string{`"a"`, `"ab"`}, true},
		{`{"a":{"$prefix":""}}`, []string{`""`, `"a"`, `"ab"`, `"b"`}, true},
		{`{"a":{"$gte":5,"$lte":"b"}}`, []string{}, true},
		{`{"a":{"$gte":7,"$in":[5,9,"a"]}}`, []string{`9`}, true},
		{`{"$and":[{"a":{"$gte":7}},{"b":1},{"$and":[{"a":{"$lte":7}}]}]}`, []string{`7`}, true},
	}
	for _, tt := range tests {
		q, err := storage.ParseQuery(json.RawMessage(tt.query))
		if err != nil {
			t.Fatal(err)
		}
		ranges, ok := q.IndexRanges("a")
		if ok != tt.ok {
			t.Errorf("%s narrows: %t", tt.query, ok)
		}
		if !ok {
			continue
		}
		got := []string{}
		for _, r := range ranges {
			for _, v := range values {
				if k := key(t, v); bytes.Compare(k, r.From) >= 0 && bytes.Compare(k, r.To) < 0 {
					got = append(got, v)
				}
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.query, diff)
		}
	}
}

func TestCheckIndexes(t *testing.T) {
	many := make([]string, storage.MaxIndexes+1)
	for i := range many {
		many[i] = fmt.Sprint("f", i)
	}
	collections := make(map[string][]string)
	for i := range storage.MaxIndexedCollections + 1 {
		collections[fmt.Sprint("c", i)] = []string{"f"}
	}
	most := maps.Clone(collections)
	delete(most, "c0")
	tests := []struct {
		indexes map[string][]string
		code    storage.Code
	}{
		{most, ""},
		{collections, storage.CodeInvalid},
		{nil, ""},
		{map[string][]string{"items": {"session", "meta.owner"}, `%'"]`: {`a'b."c`}, "none": {}}, ""},
		{map[string][]string{"items": many[1:]}, ""},
		{map[string][]string{"items": many}, storage.CodeInvalid},
		{map[string][]string{"items": {"a", "a"}}, storage.CodeInvalid},
		{map[string][]string{"items": {""}}, storage.CodeInvalid},
		{map[string][]string{"": {"a"}}, storage.CodeInvalid},
		{map[string][]string{"items": {"a\x00"}}, storage.CodeInvalid},
		{map[string][]string{"items": {strings.Repeat("a", storage.MaxKey+1)}}, storage.CodeQuotaExceeded},
	}
	for _, tt := range tests {
		if code := storage.CodeOf(storage.CheckIndexes("publish", tt.indexes)); code != tt.code {
			t.Errorf("%v: code %q, want %q", tt.indexes, code, tt.code)
		}
	}
}

// FuzzIndexRanges tries a query on a document in both ways: a document that
// matches has its key in the ranges.
func FuzzIndexRanges(f *testing.F) {
	f.Add(`{"a":{"$gte":1,"$lt":5}}`, `{"a":3}`)
	f.Add(`{"a":{"$in":[null,"x",[1]]}}`, `{}`)
	f.Add(`{"a":{"$prefix":"\u00e9"},"$and":[{"a":{"$lte":"z"}}]}`, `{"a":"é!"}`)
	f.Add(`{"a":{"x":[{"y":1e300}]}}`, `{"a":{"x":[{"y":1.0e300}]}}`)
	f.Fuzz(func(t *testing.T, query, doc string) {
		q, err := storage.ParseQuery(json.RawMessage(query))
		if err != nil {
			return
		}
		_, body, err := storage.NewDocument(json.RawMessage(doc), func() string { return "x" }, 1)
		if err != nil || !q.Match(body) {
			return
		}
		ranges, ok := q.IndexRanges("a")
		if !ok {
			return
		}
		k := storage.IndexKey(body, storage.Path{"a"})
		for i, r := range ranges {
			if i > 0 && bytes.Compare(ranges[i-1].To, r.From) > 0 {
				t.Errorf("%s: ranges %x overlap", query, ranges)
			}
			if bytes.Compare(k, r.From) >= 0 && bytes.Compare(k, r.To) < 0 {
				return
			}
		}
		t.Errorf("%s matches %s, whose key %x is not in %x", query, body, k, ranges)
	})
}
