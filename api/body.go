package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
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

// pageOf reads which part of a list a request asks for.
func pageOf(r *http.Request) (offset, limit int, err error) {
	limit = defaultPage
	values := r.URL.Query()
	if text := values.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxPage {
			return 0, 0, invalid("limit: must be a whole number from 1 to %d", maxPage)
		}
	}
	if text := values.Get("offset"); text != "" {
		if offset, err = strconv.Atoi(text); err != nil || offset < 0 {
			return 0, 0, invalid("offset: must be a whole number, 0 or more")
		}
	}
	return offset, limit, nil
}
