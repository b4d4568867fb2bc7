package storage_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/storage"
)

func TestNewDocument(t *testing.T) {
	tests := []struct {
		name, doc, want string
	}{
		{"order and digits", ` { "b" : 1.50 , "a" : [ 1e2 , "x" ] , "big" : 12345678901234567890 } `,
			`{"id":"made","b":1.50,"a":[1e2,"x"],"big":12345678901234567890,"_createdAt":5,"_updatedAt":5}`},
		{"own id", `{"b":1,"id":"mine"}`, `{"id":"mine","b":1,"_createdAt":5,"_updatedAt":5}`},
		{"empty id", `{"id":"","b":1}`, `{"id":"made","b":1,"_createdAt":5,"_updatedAt":5}`},
		{"id of another type", `{"id":7}`, `{"id":"made","_createdAt":5,"_updatedAt":5}`},
		{"timestamps", `{"_createdAt":1,"_updatedAt":"x","_other":2}`, `{"id":"made","_other":2,"_createdAt":5,"_updatedAt":5}`},
		{"odd names", `{"a\"b":1,"c'd":2,"[x]":3,"a.b":4,"$d":5,"e%f":6,"":7,"__proto__":{}}`,
			`{"id":"made","a\"b":1,"c'd":2,"[x]":3,"a.b":4,"$d":5,"e%f":6,"":7,"__proto__":{},"_createdAt":5,"_updatedAt":5}`},
		{"escapes as written", `{"s":"\u00e9\ud800<>\/"}`, `{"id":"made","s":"\u00e9\ud800<>\/","_createdAt":5,"_updatedAt":5}`},
		{"id with a quote", `{"id":"a\"\u00e9\n<"}`, `{"id":"a\"é\n<","_createdAt":5,"_updatedAt":5}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, body, err := storage.NewDocument(json.RawMessage(tt.doc), func() string { return "made" }, 5)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, body); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNewDocumentErrors(t *testing.T) {
	many := &strings.Builder{}
	for i := range 40 {
		fmt.Fprintf(many, `"f%d":1,`, i)
	}
	tests := []struct {
		name, doc string
		code      storage.Code
		path      string
	}{
		{"nothing", ``, storage.CodeInvalid, ""},
		{"array", `[{}]`, storage.CodeInvalid, ""},
		{"null", `null`, storage.CodeInvalid, ""},
		{"cut off", `{"a":[1`, storage.CodeInvalid, "a"},
		{"bare word", `{a:1}`, storage.CodeInvalid, ""},
		{"comma", `{"a":1,}`, storage.CodeInvalid, ""},
		{"control character", "{\"a\":\"\n\"}", storage.CodeInvalid, "a"},
		{"escape", `{"a":"\x"}`, storage.CodeInvalid, "a"},
		{"leading zero", `{"a":01}`, storage.CodeInvalid, ""},
		{"two values", `{}{}`, storage.CodeInvalid, ""},
		{"utf8", "{\"a\xff\":1}", storage.CodeInvalid, ""},
		{"number range", `{"a":{"b":[0,-1e400]}}`, storage.CodeInvalid, "a.b[1]"},
		{"field twice", `{"a":1,"\u0061":2}`, storage.CodeInvalid, "a"},
		{"field of many twice", `{` + many.String() + `"f3":2}`, storage.CodeInvalid, "f3"},
		{"too deep", `{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, storage.CodeInvalid, ""},
		{"brackets", strings.Repeat("[", 1<<19), storage.CodeInvalid, ""},
		{"too large", `{"a":"` + strings.Repeat("x", storage.MaxDocument) + `"}`, storage.CodeQuotaExceeded, ""},
		{"too large as stored", `{"a":"` + strings.Repeat("x", storage.MaxDocument-8) + `"}`, storage.CodeQuotaExceeded, ""},
		{"long id", `{"id":"` + strings.Repeat("x", storage.MaxKey+1) + `"}`, storage.CodeQuotaExceeded, "id"},
		{"NUL in the id", `{"id":"a\u0000"}`, storage.CodeInvalid, "id"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := storage.NewDocument(json.RawMessage(tt.doc), func() string { return "made" }, 5)
			checkError(t, err, tt.code, tt.path)
		})
	}
}

func TestCheckValue(t *testing.T) {
	for _, good := range []string{`null`, ` 1 `, `"x"`, `[[],{}]`, `{"a":1,"a":2}`, strings.Repeat("[", 100) + strings.Repeat("]", 100),
		`"` + strings.Repeat("x", storage.MaxValue-2) + `"`, `"[[{{\"[["`} {
		if err := storage.CheckValue("op", json.RawMessage(good)); err != nil {
			t.Errorf("%.40s: %v", good, err)
		}
	}
	tests := []struct {
		value string
		code  storage.Code
	}{
		{``, storage.CodeInvalid},
		{`undefined`, storage.CodeInvalid},
		{`{} {}`, storage.CodeInvalid},
		{"\"\xff\"", storage.CodeInvalid},
		{strings.Repeat("[", 101) + strings.Repeat("]", 101), storage.CodeInvalid},
		{`"` + strings.Repeat("x", storage.MaxValue-1) + `"`, storage.CodeQuotaExceeded},
	}
	for _, tt := range tests {
		checkError(t, storage.CheckValue("op", json.RawMessage(tt.value)), tt.code, "value")
	}
}

// FuzzNewDocument holds the parser to encoding/json, and the walker over stored
// text to what encoding/json finds there.
func FuzzNewDocument(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":[1,{"b":"\u00e9"}],"c":-1.5e3}`, `{"a":1,"a":2}`, `{"a":"\ud800"}`, ` {"a" : null } `,
		`{"id":"x","_createdAt":1}`, `[]`, `{"a":1e999}`, `{"":{"":[]}}`, `{"a\\\"b":"\\"}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		_, body, err := storage.NewDocument(json.RawMessage(doc), func() string { return "made" }, 5)
		var want map[string]any
		valid := json.Unmarshal([]byte(doc), &want) == nil && want != nil
		if err != nil {
			return // stricter than encoding/json, in ways that the table has
		}
		if !valid || !utf8.ValidString(doc) {
			t.Fatalf("%q was accepted", doc)
		}
		var got map[string]any
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatalf("stored %q: %v", body, err)
		}
		for _, m := range []map[string]any{got, want} {
			for _, name := range []string{"id", "_createdAt", "_updatedAt"} {
				delete(m, name)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		for name, value := range want {
			if strings.ContainsRune(name, '.') || strings.HasPrefix(name, "$") {
				continue
			}
			query, err := json.Marshal(map[string]any{name: map[string]any{"$eq": value}})
			if err != nil {
				t.Fatal(err)
			}
			if q, err := storage.ParseQuery(query); err == nil && !q.Match(body) {
				t.Fatalf("%s does not match %s", query, body)
			}
		}
	})
}

// FuzzParseQuery looks for queries that break the parser or the matcher, and
// for one that matches together with its negation.
func FuzzParseQuery(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":{"$gt":1}}`, `{"$or":[{"a":1},{"$not":{"b":{"$in":[1,"x",null]}}}]}`, `{"a.0.b":{"$contains":{}}}`,
		`{"a":{"$not":{"$prefix":"x"}}}`, `{"a":{"$exists":false}}`} {
		f.Add(s, `{"a":[{"b":1}],"b":"x"}`)
	}
	f.Fuzz(func(t *testing.T, query, doc string) {
		_, body, err := storage.NewDocument(json.RawMessage(doc), func() string { return "made" }, 5)
		if err != nil {
			return
		}
		q, err := storage.ParseQuery(json.RawMessage(query))
		if err != nil {
			return
		}
		matched := q.Match(body)
		if query == "" || strings.TrimSpace(query) == "null" {
			return
		}
		if not, err := storage.ParseQuery(json.RawMessage(`{"$not":` + query + `}`)); err == nil && not.Match(body) == matched {
			t.Fatalf("%s and its negation agree on %s", query, body)
		}
	})
}

// FuzzApply looks for changes that break a document.
func FuzzApply(f *testing.F) {
	for _, s := range []string{`{"a":1}`, `{"$inc":{"a.b":1}}`, `{"$push":{"l":1},"$pull":{"m":{"$gt":1}}}`, `{"$unset":{"a.0":1}}`, `{"a.1.b":{}}`} {
		f.Add(s, `{"a":[{"b":1}],"l":[],"m":[1,2]}`)
	}
	f.Fuzz(func(t *testing.T, changes, doc string) {
		_, body, err := storage.NewDocument(json.RawMessage(doc), func() string { return "made" }, 5)
		if err != nil {
			return
		}
		c, err := storage.ParseChanges(json.RawMessage(changes))
		if err != nil {
			return
		}
		changed, err := c.Apply(body, 6)
		if err != nil {
			return
		}
		var fields struct {
			CreatedAt int `json:"_createdAt"`
			UpdatedAt int `json:"_updatedAt"`
		}
		if err := json.Unmarshal([]byte(changed), &fields); err != nil {
			t.Fatalf("%s made %q of %s: %v", changes, changed, body, err)
		}
		if fields.CreatedAt != 5 || fields.UpdatedAt != 6 {
			t.Fatalf("%s made %q of %s", changes, changed, body)
		}
		// What was stored can be stored again: an update breaks no rule.
		if _, _, err := storage.NewDocument(json.RawMessage(changed), func() string { return "made" }, 5); err != nil {
			t.Fatalf("%s made %q of %s: %v", changes, changed, body, err)
		}
	})
}
