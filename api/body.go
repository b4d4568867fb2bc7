package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
)

// maxJSON is the largest body, in bytes, of a request that is JSON.
const maxJSON = 64 << 10

// readJSON reads a body into v, and refuses what v has no place for: a key that is
// misspelt would do nothing, silently.
func readJSON(w http.ResponseWriter, r *http.Request, v any) error {
	return readJSONUpTo(w, r, maxJSON, v)
}

// readJSONUpTo is readJSON for bodies of another size.
func readJSONUpTo(w http.ResponseWriter, r *http.Request, most int64, v any) error {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return &Error{Status: http.StatusUnsupportedMediaType, Code: "INVALID", Message: "send JSON, with Content-Type: application/json"}
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, most))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(v)
	if err == nil {
		if _, more := decoder.Token(); more != io.EOF {
			err = errors.New("there is more after the first value")
		}
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &Error{Status: http.StatusRequestEntityTooLarge, Code: "BODY_TOO_LARGE",
			Message: fmt.Sprintf("the body is larger than %d bytes", tooLarge.Limit)}
	}
	if err != nil {
		return &Error{Status: http.StatusBadRequest, Code: "INVALID_JSON", Message: "the body is not what this takes: " + err.Error()}
	}
	return nil
}

// checkQuery refuses parameters that a route doesn't take: one that is misspelt would
// do nothing, silently.
func checkQuery(r *http.Request, route Route) error {
	if r.URL.RawQuery == "" {
		return nil
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return invalid("the query can't be read: %v", err)
	}
	known := fieldsOf(route.Request, "query")
	for name, values := range query {
		i := slices.IndexFunc(known, func(f reflect.StructField) bool { return f.Tag.Get("query") == name })
		if i < 0 {
			return invalid("%s: is no parameter of %s %s; see /api/openapi.json", name, route.Method, route.Pattern)
		}
		if len(values) > 1 && known[i].Type.Kind() != reflect.Slice {
			return invalid("%s: is there twice", name)
		}
	}
	return nil
}

// fieldsOf are the fields of what a route takes that have a tag, those of embedded
// structs too.
func fieldsOf(request any, tag string) (fields []reflect.StructField) {
	if request == nil {
		return nil
	}
	for _, f := range reflect.VisibleFields(reflect.TypeOf(request)) {
		if f.Tag.Get(tag) != "" {
			fields = append(fields, f)
		}
	}
	return fields
}
