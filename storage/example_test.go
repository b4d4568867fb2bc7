package storage_test

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/fazt-sh/fazt/storage"
)

// A query is parsed once and tried on stored documents.
func ExampleParseQuery() {
	query, err := storage.ParseQuery(json.RawMessage(`{"meta.owner": "ann", "price": {"$lt": 20}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, doc := range []string{
		`{"price": 15, "meta": {"owner": "ann"}}`,
		`{"price": 25, "meta": {"owner": "ann"}}`,
	} {
		_, body, err := storage.NewDocument(json.RawMessage(doc), func() string { return "d1" }, 0)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(query.Match(body))
	}

	_, err = storage.ParseQuery(json.RawMessage(`{"price": {"$less": 20}}`))
	if e, ok := errors.AsType[*storage.Error](err); ok {
		fmt.Println(e.Code, e.Path)
	}
	// Output:
	// true
	// false
	// INVALID price.$less
}

// ExampleChanges_Apply shows that changes keep the order and the digits of what
// they leave alone.
func ExampleChanges_Apply() {
	changes, err := storage.ParseChanges(json.RawMessage(`{"status": "sent", "$inc": {"tries": 1}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, body, err := storage.NewDocument(json.RawMessage(`{"status": "new", "price": 1.50}`), func() string { return "d1" }, 1000)
	if err != nil {
		fmt.Println(err)
		return
	}
	body, err = changes.Apply(body, 2000)
	fmt.Println(body, err)
	// Output: {"id":"d1","status":"sent","price":1.50,"tries":1,"_createdAt":1000,"_updatedAt":2000} <nil>
}
