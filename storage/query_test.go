package storage_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/storage"
)

func stored(t testing.TB, doc string) string {
	t.Helper()
	_, body, err := storage.NewDocument(json.RawMessage(doc), func() string { return "made" }, 1000)
	if err != nil {
		t.Fatalf("NewDocument(%s): %v", doc, err)
	}
	return body
}

func TestMatch(t *testing.T) {
	const doc = `{"id":"d1","s":"hello","n":10,"f":1.50,"neg":-3,"t":true,"no":false,"nil":null,"empty":{},
		"list":["a",{"k":1},[1,2],null,3],"meta":{"owner":"ann","tags":["x","y"],"deep":{"a":{"b":1}}},
		"esc\"key":"q","dot.ted":"d","$dollar":1,"a%b":2,"[x]":3,"u\u00e9":"\u00e9\n\"","":"nameless","big":12345678901234567890,
		"escaped":["\u00e9","a\nb","abc"],"x\ny":1}`
	tests := []struct {
		query string
		want  bool
	}{
		{`{}`, true},
		{`null`, true},
		{``, true},
		{`{"s":"hello"}`, true},
		{`{"s":"Hello"}`, false},
		{`{"s":"hell"}`, false},
		{`{"x\ny":1}`, true},
		{`{"x\\ny":1}`, false}, // a backslash and an n
		{`{"n":10}`, true},
		{`{"n":1e1}`, true},
		{`{"n":"10"}`, false},
		{`{"f":1.5}`, true},
		{`{"neg":-3.0}`, true},
		{`{"t":true,"no":false}`, true},
		{`{"t":false}`, false},
		{`{"t":1}`, false},
		{`{"nil":null,"missing":null}`, true},
		{`{"s":null}`, false},
		{`{"missing":{"$ne":null}}`, false},
		{`{"s":{"$ne":null}}`, true},
		{`{"missing":{"$ne":1}}`, true},
		{`{"empty":{}}`, true},
		{`{"meta":{}}`, false},
		{`{"meta":{"deep":{"a":{"b":1.0}},"tags":["x","y"],"owner":"ann"}}`, true},
		{`{"meta":{"owner":"ann"}}`, false},
		{`{"meta.tags":["y","x"]}`, false},
		{`{"meta.owner":"ann"}`, true},
		{`{"meta.deep.a.b":1}`, true},
		{`{"meta.deep.a.b.c":1}`, false},
		{`{"meta.tags.1":"y"}`, true},
		{`{"meta.tags.01":"y"}`, false},
		{`{"meta.tags.-1":"y"}`, false},
		{`{"meta.tags.2":null}`, true},
		{`{"list.1.k":1,"list.2.0":1,"list.4":3}`, true},
		{`{"list.3":{"$exists":true}}`, true},
		{`{"list.5":{"$exists":true}}`, false},
		{`{"nil":{"$exists":true},"missing":{"$exists":false}}`, true},
		{`{"nil":{"$exists":false}}`, false},
		{`{"n":{"$gt":9,"$lt":11}}`, true},
		{`{"n":{"$gt":10}}`, false},
		{`{"n":{"$gte":10,"$lte":10}}`, true},
		{`{"n":{"$gt":"1"}}`, false},
		{`{"s":{"$gt":1}}`, false},
		{`{"s":{"$gt":"hell","$lt":"hellp"}}`, true},
		{`{"missing":{"$lt":1}}`, false},
		{`{"nil":{"$lte":0}}`, false},
		{`{"s":{"$in":["x","hello"]}}`, true},
		{`{"n":{"$in":["10",true,null,{"a":1}]}}`, false},
		{`{"n":{"$in":[1,10.0]}}`, true},
		{`{"missing":{"$in":[null]}}`, true},
		{`{"t":{"$in":[true]},"no":{"$in":[false]}}`, true},
		{`{"list.1":{"$in":[{"k":1}]}}`, true},
		{`{"list.2":{"$in":[[1]]}}`, false},
		{`{"s":{"$in":[]}}`, false},
		{`{"s":{"$nin":[]}}`, true},
		{`{"s":{"$nin":["hello"]}}`, false},
		{`{"missing":{"$nin":["hello"]}}`, true},
		{`{"list":{"$contains":"a"}}`, true},
		{`{"list":{"$contains":{"k":1}}}`, true},
		{`{"list":{"$contains":[1,2]}}`, true},
		{`{"list":{"$contains":null}}`, true},
		{`{"list":{"$contains":"b"}}`, false},
		{`{"escaped":{"$contains":"\u00e9"}}`, true},
		{`{"escaped":{"$contains":"a\nb"}}`, true},
		{`{"escaped":{"$contains":"c"}}`, false},
		{`{"s":{"$contains":"ell"}}`, true},
		{`{"s":{"$contains":1}}`, false},
		{`{"n":{"$contains":1}}`, false},
		{`{"s":{"$prefix":"he"}}`, true},
		{`{"s":{"$prefix":""}}`, true},
		{`{"s":{"$prefix":"H"}}`, false},
		{`{"n":{"$prefix":"1"}}`, false},
		{`{"missing":{"$prefix":""}}`, false},
		{`{"n":{"$not":{"$gt":10}}}`, true},
		{`{"missing":{"$not":{"$gt":10}}}`, true},
		{`{"$not":{"s":"hello"}}`, false},
		{`{"$or":[{"s":"x"},{"n":10}]}`, true},
		{`{"$or":[]}`, false},
		{`{"$and":[]}`, true},
		{`{"$and":[{"s":"hello"},{"$or":[{"n":1},{"n":{"$in":[10]}}]}]}`, true},
		{`{"$or":[{}]}`, true},
		{`{"esc\"key":"q"}`, true},
		{`{"dot.ted":"d"}`, false},
		{`{"a%b":2,"[x]":3,"":"nameless"}`, true},
		{`{"u\u00e9":"é\n\""}`, true},
		{`{"uÉ":{"$exists":true}}`, false},
		{`{"big":12345678901234567890}`, true},
		{`{"id":"d1","_createdAt":{"$gte":1000},"_updatedAt":1000}`, true},
		{`{"id":{"$prefix":"d"}}`, true},
		{`{"s":{"$eq":"hello"}}`, true},
		{`{"empty":{"$eq":{"$gt":1}}}`, false},
		{`{"'; DROP TABLE docs; --":{"$exists":false}}`, true},
	}
	body := stored(t, doc)
	for _, tt := range tests {
		q, err := storage.ParseQuery(json.RawMessage(tt.query))
		if err != nil {
			t.Errorf("%s: %v", tt.query, err)
			continue
		}
		if got := q.Match(body); got != tt.want {
			t.Errorf("%s matches: %t, want %t", tt.query, got, tt.want)
		}
	}
}

func TestParseQueryErrors(t *testing.T) {
	tests := []struct {
		name, query string
		code        storage.Code
		path        string
	}{
		{"array", `[]`, storage.CodeInvalid, ""},
		{"string", `"x"`, storage.CodeInvalid, ""},
		{"broken", `{"a":`, storage.CodeInvalid, "a"},
		{"trailing", `{} {}`, storage.CodeInvalid, ""},
		{"field twice", `{"a":1,"a":2}`, storage.CodeInvalid, "a"},
		{"utf8", "{\"a\":\"\xff\"}", storage.CodeInvalid, ""},
		{"number range", `{"a":1e999}`, storage.CodeInvalid, "a"},
		{"unknown", `{"items":{"$gtt":1}}`, storage.CodeInvalid, "items.$gtt"},
		{"unknown at the top", `{"$where":"1"}`, storage.CodeInvalid, "$where"},
		{"mixed", `{"a":{"$gt":1,"b":2}}`, storage.CodeInvalid, "a"},
		{"in", `{"a":{"$in":1}}`, storage.CodeInvalid, "a.$in"},
		{"order", `{"items":{"$gt":null}}`, storage.CodeInvalid, "items.$gt"},
		{"exists", `{"a":{"$exists":1}}`, storage.CodeInvalid, "a.$exists"},
		{"prefix", `{"a":{"$prefix":1}}`, storage.CodeInvalid, "a.$prefix"},
		{"or", `{"$or":{"a":1}}`, storage.CodeInvalid, "$or"},
		{"inside or", `{"$or":[{"a":1},{"b":{"$x":1}}]}`, storage.CodeInvalid, "$or[1].b.$x"},
		{"or element", `{"$and":[1]}`, storage.CodeInvalid, "$and[0]"},
		{"or of a field", `{"a":{"$or":[1]}}`, storage.CodeInvalid, "a.$or"},
		{"not", `{"a":{"$not":1}}`, storage.CodeInvalid, "a.$not"},
		{"nested", `{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, storage.CodeInvalid, ""},
		{"long", `{"a":"` + strings.Repeat("x", storage.MaxDocument) + `"}`, storage.CodeQuotaExceeded, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := storage.ParseQuery(json.RawMessage(tt.query))
			checkError(t, err, tt.code, tt.path)
		})
	}
	t.Run("nested as deep as allowed", func(t *testing.T) {
		query := `{"a":` + strings.Repeat("[", 99) + strings.Repeat("]", 99) + `}`
		if _, err := storage.ParseQuery(json.RawMessage(query)); err != nil {
			t.Error(err)
		}
	})
	t.Run("conditions", func(t *testing.T) {
		var parts []string
		for i := range storage.MaxConditions {
			parts = append(parts, fmt.Sprintf(`"f%d":1`, i))
		}
		if _, err := storage.ParseQuery(json.RawMessage("{" + strings.Join(parts, ",") + "}")); err != nil {
			t.Errorf("%d conditions: %v", storage.MaxConditions, err)
		}
		parts = append(parts, `"more":1`)
		_, err := storage.ParseQuery(json.RawMessage("{" + strings.Join(parts, ",") + "}"))
		checkError(t, err, storage.CodeInvalid, "more")
	})
}

func checkError(t *testing.T, err error, code storage.Code, path string) {
	t.Helper()
	e, ok := errors.AsType[*storage.Error](err)
	if !ok {
		t.Fatalf("got %v, want an error with %s", err, code)
	}
	if e.Code != code || e.Path != path {
		t.Errorf("got code %s at %q (%v), want %s at %q", e.Code, e.Path, e, code, path)
	}
	if e.Msg == "" {
		t.Error("the error says nothing")
	}
}

func TestQueryID(t *testing.T) {
	tests := []struct {
		query, want string
	}{
		{`{"id":"x"}`, "x"},
		{`{"a":1,"id":{"$eq":"x"}}`, "x"},
		{`{"$and":[{"a":1},{"id":"x"}]}`, "x"},
		{`{"$or":[{"id":"x"}]}`, ""},
		{`{"$not":{"id":"x"}}`, ""},
		{`{"id":{"$in":["x"]}}`, ""},
		{`{"a.id":"x"}`, ""},
		{`{"id":7}`, ""},
		{`{}`, ""},
	}
	for _, tt := range tests {
		q, err := storage.ParseQuery(json.RawMessage(tt.query))
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := q.ID(); got != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: id %q, %t; want %q", tt.query, got, ok, tt.want)
		}
	}
}

func TestSortKey(t *testing.T) {
	ordered := []string{`{}`, `{"k":false}`, `{"k":true}`, `{"k":-1}`, `{"k":2}`, `{"k":10}`,
		`{"k":""}`, `{"k":"B"}`, `{"k":"a"}`, `{"k":"é"}`, `{"k":[1]}`, `{"k":{}}`}
	for i, a := range ordered {
		for j, b := range ordered {
			ka := storage.NewSortKey(stored(t, a), storage.ParsePath("k"))
			kb := storage.NewSortKey(stored(t, b), storage.ParsePath("k"))
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := ka.Compare(kb); got != want {
				t.Errorf("%s to %s: %d, want %d", a, b, got, want)
			}
		}
	}
	null := storage.NewSortKey(stored(t, `{"k":null}`), storage.ParsePath("k"))
	missing := storage.NewSortKey(stored(t, `{}`), storage.ParsePath("k"))
	if diff := cmp.Diff(0, null.Compare(missing)); diff != "" {
		t.Errorf("null to missing (-want +got):\n%s", diff)
	}
}
