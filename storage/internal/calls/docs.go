package calls

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

// maxOffset is more than a collection has, and twice a page after it is a number still.
const maxOffset = math.MaxInt / 4

// NewDocumentID returns an id of 26 digits in base 32: the time in milliseconds,
// and then 80 random bits. Ids that follow each other in time lie side by side in
// an index, which makes an insert about half as dear as random ones do.
func NewDocumentID() string {
	const digits = "0123456789abcdefghjkmnpqrstvwxyz"
	var id [26]byte
	now := time.Now().UnixMilli()
	for i := 9; i >= 0; i-- {
		id[i] = digits[now&31]
		now >>= 5
	}
	rand.Read(id[10:])
	for i := 10; i < len(id); i++ {
		id[i] = digits[id[i]&31]
	}
	return string(id[:])
}

// ParseQuery checks a collection's name and parses a query.
func ParseQuery(op, collection string, query json.RawMessage) (*storage.Expr, error) {
	if err := storage.CheckKey(op, "collection", collection); err != nil {
		return nil, err
	}
	q, err := storage.ParseQuery(query)
	return q, WithOp(op, err)
}

// ParseFind checks the arguments of a find and parses its query.
func ParseFind(op, collection string, query json.RawMessage, opt storage.FindOptions) (*storage.Expr, error) {
	q, err := ParseQuery(op, collection, query)
	if err != nil {
		return nil, err
	}
	if _, err := RowLimit(op, opt.Limit); err != nil {
		return nil, err
	}
	if opt.Offset < 0 || opt.Offset > maxOffset {
		return nil, &storage.Error{Code: storage.CodeInvalid, Op: op, Msg: fmt.Sprintf("the offset is %d; give 0 to %d", opt.Offset, maxOffset)}
	}
	return q, nil
}

// WithOp names the operation in an error of the query language.
func WithOp(op string, err error) error {
	if e, ok := err.(*storage.Error); ok && e.Op == "" {
		e.Op = op
	}
	return err
}

// RequireQuery refuses to take a missing query for one that matches all, which is for
// operations that change the matches.
func RequireQuery(op string, query json.RawMessage) error {
	if text := bytes.TrimSpace(query); len(text) == 0 || string(text) == "null" {
		return &storage.Error{Code: storage.CodeInvalid, Op: op, Msg: "a query is required", Hint: "{} matches every document"}
	}
	return nil
}

// CheckKeepNewest checks the arguments of a removal of all but the newest documents.
func CheckKeepNewest(op, collection string, keep int) error {
	if err := storage.CheckKey(op, "collection", collection); err != nil {
		return err
	}
	if keep < 0 {
		return &storage.Error{Code: storage.CodeInvalid, Op: op, Msg: "the number to keep is negative"}
	}
	return nil
}

// ErrTaken is for a document whose id another of its collection has.
func ErrTaken(op, id string) error {
	return &storage.Error{Code: storage.CodeConflict, Op: op, Path: "id", Msg: fmt.Sprintf("the id %q is taken", id)}
}

// Unfinished says in the error of a write in chunks how many documents had been written
// before.
func Unfinished(op string, err error, written int) error {
	if written == 0 {
		return err
	}
	failed := storage.Error{Op: op, Err: err}
	if e, ok := errors.AsType[*storage.Error](err); ok {
		failed = *e
	}
	failed.Count = written
	failed.Hint = fmt.Sprintf("%d documents had been written before, and stay so", written)
	return &failed
}
