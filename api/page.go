package api

import (
	"net/http"
	"strconv"
)

const (
	defaultPage = 100
	maxPage     = 1000
)

// paging is what a route that answers with a list takes.
type paging struct {
	Offset int `query:"offset" doc:"how many to leave out. Default: 0"`
	Limit  int `query:"limit" doc:"how many at most, 1 to 1000. Default: 100"`
}

// Page says where in a list an answer is.
type Page struct {
	Offset  int  `json:"offset"`
	Limit   int  `json:"limit"`
	Total   int  `json:"total"` // how many there are in all
	HasMore bool `json:"has_more"`
	// Last is the id of the line of a log that was looked at last.
	Last int64 `json:"last,omitempty"`
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

// cursor says whether there is more of a list that goes on from an entry.
type cursor struct {
	Limit   int   `json:"limit"`
	HasMore bool  `json:"has_more"`
	Last    int64 `json:"last"` // to go on: the next after, or before
}

// writeList answers with the part that a request asks for of a whole list.
func writeList[T any](w http.ResponseWriter, r *http.Request, list []T, err error) error {
	if err != nil {
		return err
	}
	offset, limit, err := pageOf(r)
	if err != nil {
		return err
	}
	from := min(offset, len(list))
	return writePage(w, list[from:min(from+limit, len(list))], offset, limit, len(list), nil)
}

// writePage answers with a part of a list of a length.
func writePage[T any](w http.ResponseWriter, part []T, offset, limit, total int, err error) error {
	if err != nil {
		return err
	}
	if part == nil {
		part = []T{} // a list is never null
	}
	WriteJSON(w, http.StatusOK, answer{part, Page{Offset: offset, Limit: limit, Total: total, HasMore: offset+len(part) < total}})
	return nil
}
