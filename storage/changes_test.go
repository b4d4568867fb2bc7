package storage_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/storage"
)

func TestApply(t *testing.T) {
	const doc = `{"z":1,"a":"x","n":5,"list":[1,2,{"k":1},2],"obj":{"in":{"v":1}},"nil":null,"big":12345678901234567890,"s":"\ud800<"}`
	const head, tail = `{"id":"made",`, `,"_createdAt":1000,"_updatedAt":2000}`
	const rest = `,"big":12345678901234567890,"s":"\ud800<"`
	tests := []struct {
		name, changes, want string
	}{
		{"nothing", `{}`, `"z":1,"a":"x","n":5,"list":[1,2,{"k":1},2],"obj":{"in":{"v":1}},"nil":null` + rest},
		{"plain keeps its place", `{"a":"y","new":{"q":[true]}}`,
			`"z":1,"a":"y","n":5,"list":[1,2,{"k":1},2],"obj":{"in":{"v":1}},"nil":null` + rest + `,"new":{"q":[true]}`},
		{"set and dotted", `{"$set":{"obj.in.v":2,"list.0":"one"},"obj.more":null}`,
			`"z":1,"a":"x","n":5,"list":["one",2,{"k":1},2],"obj":{"in":{"v":2},"more":null},"nil":null` + rest},
		{"set grows an array by one", `{"list.4":9,"list.2.k":8}`,
			`"z":1,"a":"x","n":5,"list":[1,2,{"k":8},2,9],"obj":{"in":{"v":1}},"nil":null` + rest},
		{"unset", `{"$unset":{"z":1,"obj.in":true,"list.1":"","no.such":1,"list.9":1,"a.b":1}}`,
			`"a":"x","n":5,"list":[1,null,{"k":1},2],"obj":{},"nil":null` + rest},
		{"inc", `{"$inc":{"n":0.5,"nil":-2,"obj.in.v":1}}`,
			`"z":1,"a":"x","n":5.5,"list":[1,2,{"k":1},2],"obj":{"in":{"v":2}},"nil":-2` + rest},
		{"push and pull", `{"$push":{"obj.in.list":{"x":1},"nil":1},"$pull":{"list":2}}`,
			`"z":1,"a":"x","n":5,"list":[1,{"k":1}],"obj":{"in":{"v":1,"list":[{"x":1}]}},"nil":[1]` + rest},
		{"pull an object", `{"$pull":{"list":{"k":1},"nil":1,"missing":1}}`,
			`"z":1,"a":"x","n":5,"list":[1,2,2],"obj":{"in":{"v":1}},"nil":null` + rest},
		{"pull by operator", `{"$pull":{"list":{"$gte":2}}}`,
			`"z":1,"a":"x","n":5,"list":[1,{"k":1}],"obj":{"in":{"v":1}},"nil":null` + rest},
		{"null on the way", `{"nil.a.b":1}`,
			`"z":1,"a":"x","n":5,"list":[1,2,{"k":1},2],"obj":{"in":{"v":1}},"nil":{"a":{"b":1}}` + rest},
		{"written back", `{"id":"made","_createdAt":1000,"_updatedAt":8,"a":"y"}`,
			`"z":1,"a":"y","n":5,"list":[1,2,{"k":1},2],"obj":{"in":{"v":1}},"nil":null` + rest},
		{"written back by $set", `{"$set":{"id":"made","_updatedAt":8,"_createdAt":1000,"a":"y"}}`,
			`"z":1,"a":"y","n":5,"list":[1,2,{"k":1},2],"obj":{"in":{"v":1}},"nil":null` + rest},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := storage.ParseChanges(json.RawMessage(tt.changes))
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.Apply(stored(t, doc), 2000)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(head+tt.want+tail, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if !json.Valid([]byte(got)) {
				t.Error("not JSON")
			}
		})
	}
}

func TestChangesErrors(t *testing.T) {
	tests := []struct {
		name, changes string
		code          storage.Code
		path          string
	}{
		{"array", `[]`, storage.CodeInvalid, ""},
		{"null", `null`, storage.CodeInvalid, ""},
		{"nothing", ``, storage.CodeInvalid, ""},
		{"unknown", `{"$rename":{"a":"b"}}`, storage.CodeInvalid, "$rename"},
		{"no object", `{"$set":1}`, storage.CodeInvalid, "$set"},
		{"inc", `{"$inc":{"a":"1"}}`, storage.CodeInvalid, "$inc.a"},
		{"twice", `{"a":1,"$inc":{"a":1}}`, storage.CodeInvalid, "a"},
		{"inside", `{"a.b":1,"$set":{"a":{}}}`, storage.CodeInvalid, "a.b"},
		{"unset id", `{"$unset":{"id":1}}`, storage.CodeInvalid, "$unset.id"},
		{"inside id", `{"id.x":1}`, storage.CodeInvalid, "id.x"},
		{"timestamp", `{"$inc":{"_createdAt":1}}`, storage.CodeInvalid, "$inc._createdAt"},
		{"updated", `{"a":1,"_updatedAt":1}`, storage.CodeInvalid, "_updatedAt"},
		{"inside a timestamp", `{"_createdAt.x":1}`, storage.CodeInvalid, "_createdAt.x"},
		{"pull operator", `{"$pull":{"a":{"$x":1}}}`, storage.CodeInvalid, "$pull.a.$x"},
		{"field twice", `{"$set":{"a":1,"a":2}}`, storage.CodeInvalid, "$set.a"},
		{"utf8", "{\"a\":\"\xc3\"}", storage.CodeInvalid, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := storage.ParseChanges(json.RawMessage(tt.changes))
			checkError(t, err, tt.code, tt.path)
		})
	}
}

func TestApplyErrors(t *testing.T) {
	doc := `{"s":"x","list":[1],"max":1.7e308,"deep":` + strings.Repeat("[", 98) + strings.Repeat("]", 98) + `}`
	tests := []struct {
		name, changes string
		code          storage.Code
		path          string
	}{
		{"id", `{"id":"other"}`, storage.CodeInvalid, "id"},
		{"created", `{"_createdAt":1}`, storage.CodeInvalid, "_createdAt"},
		{"created, as a text", `{"$set":{"_createdAt":"1000","_updatedAt":1}}`, storage.CodeInvalid, "_createdAt"},
		{"id of another type", `{"id":7}`, storage.CodeInvalid, "id"},
		{"inc a string", `{"$inc":{"s":1}}`, storage.CodeInvalid, "s"},
		{"inc past the end", `{"$inc":{"max":1.7e308}}`, storage.CodeInvalid, "max"},
		{"push to a string", `{"$push":{"s":1}}`, storage.CodeInvalid, "s"},
		{"pull from a string", `{"$pull":{"s":1}}`, storage.CodeInvalid, "s"},
		{"through a string", `{"s.a":1}`, storage.CodeInvalid, "s.a"},
		{"past an array", `{"list.2":1}`, storage.CodeInvalid, "list.2"},
		{"no index", `{"list.x":1}`, storage.CodeInvalid, "list.x"},
		{"huge index", `{"list.4294967295":1}`, storage.CodeInvalid, "list.4294967295"},
		{"too deep", `{"a.b":` + strings.Repeat("[", 99) + strings.Repeat("]", 99) + `}`, storage.CodeInvalid, ""},
		{"too large", `{"a":"` + strings.Repeat("x", storage.MaxDocument-100) + `"}`, storage.CodeQuotaExceeded, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := storage.ParseChanges(json.RawMessage(tt.changes))
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Apply(stored(t, doc), 2000)
			checkError(t, err, tt.code, tt.path)
		})
	}
}

func TestUpsertRefusesTwoIDs(t *testing.T) {
	q, err := storage.ParseQuery(json.RawMessage(`{"id":"a"}`))
	if err != nil {
		t.Fatal(err)
	}
	c, err := storage.ParseChanges(json.RawMessage(`{"id":"b"}`))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = c.Upsert(q, func() string { return "made" }, 5)
	checkError(t, err, storage.CodeInvalid, "id")
}

func TestUpsertDocument(t *testing.T) {
	tests := []struct {
		name, query, changes, want string
	}{
		{"equalities and changes", `{"a":1,"b.c":"x","d":{"$gt":3},"$or":[{"e":1}],"$and":[{"f":{"$eq":[1]}}]}`, `{"$inc":{"a":2},"g":1}`,
			`{"id":"made","a":3,"b":{"c":"x"},"f":[1],"g":1,"_createdAt":5,"_updatedAt":5}`},
		{"id from the query", `{"id":"mine"}`, `{"$push":{"l":1}}`, `{"id":"mine","l":[1],"_createdAt":5,"_updatedAt":5}`},
		{"id from the changes", `{}`, `{"id":"mine"}`, `{"id":"mine","_createdAt":5,"_updatedAt":5}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q, err := storage.ParseQuery(json.RawMessage(tt.query))
			if err != nil {
				t.Fatal(err)
			}
			c, err := storage.ParseChanges(json.RawMessage(tt.changes))
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the same query and changes can be used again
				_, body, err := c.Upsert(q, func() string { return "made" }, 5)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, body); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}
