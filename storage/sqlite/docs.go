package sqlite

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

// docs implements [storage.Docs].
//
// A query is tried on each document of the collection in Go, by the one
// implementation that every engine shares, and not in SQL: SQLite would have to
// parse each document as well, its functions compare values by other rules, and
// no name from a query comes near a statement this way. A query that names an
// id reads that one row, and one that an index narrows reads what the index
// gives.
type docs scopeTx

const (
	// sortedRow is about how many bytes a sorted find holds for each match,
	// besides a text to sort by.
	sortedRow = 64

	docsByID = `SELECT seq, body FROM documents WHERE app = ? AND user = ? AND collection = ? AND id = ? AND seq > ?`
	docsBody = `SELECT body FROM documents WHERE app = ? AND user = ? AND collection = ? AND seq = ?`
)

var (
	docsScan = steady(`SELECT seq, body FROM documents WHERE app = ? AND user = ? AND collection = ? AND seq > ? ORDER BY seq`)
	docsBack = steady(`SELECT seq, body FROM documents WHERE app = ? AND user = ? AND collection = ? AND seq > ? ORDER BY seq DESC`)
)

// errStop ends a scan that has found enough.
var errStop = errors.New("enough rows")

// newDocumentID returns an id of 26 digits in base 32: the time in milliseconds,
// and then 80 random bits. Ids that follow each other in time lie side by side in
// the index, which makes an insert half as dear as random ones do.
func newDocumentID() string {
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

// parse checks the collection's name and the query.
func (d *docs) parse(op, collection string, query json.RawMessage) (*storage.Expr, error) {
	if err := storage.CheckKey(op, "collection", collection); err != nil {
		return nil, err
	}
	q, err := storage.ParseQuery(query)
	if err != nil {
		return nil, withOp(op, err)
	}
	return q, d.open(op, collection)
}

// open finds the collection that the operation at hand is about.
func (d *docs) open(op, collection string) (err error) {
	d.collection = collection
	d.generation, err = d.generationOf(op, collectionKey{d.scope.App, d.scope.User, collection})
	return err
}

// withOp names the operation in an error of the query language.
func withOp(op string, err error) error {
	if e, ok := err.(*storage.Error); ok && e.Op == "" {
		e.Op = op
	}
	return err
}

// key is the key of the documents of a collection that was opened.
func (d *docs) key(collection string, more ...any) []any {
	if d.collection != collection {
		panic("sqlite: the collection is not open")
	}
	return append([]any{d.scope.App, d.scope.User, d.generation}, more...)
}

// scan calls fn with the documents that match, in order of insertion or
// backwards.
func (d *docs) scan(op, collection string, q *storage.Expr, opt storage.FindOptions, fn func(seq int64, body string) error) error {
	from, err := d.choose(op, collection, q, opt)
	if err != nil {
		return err
	}
	return d.scanFrom(op, collection, q, from, 0, opt.Desc, fn)
}

func (d *docs) scanFrom(op, collection string, q *storage.Expr, from source, after int64, back bool, fn func(seq int64, body string) error) error {
	return ignoreStop(d.read(op, collection, from, after, back, func(seq int64, body string) error {
		if !q.Match(body) {
			return nil
		}
		return fn(seq, body)
	}))
}

func (d *docs) Find(collection string, query json.RawMessage, opt storage.FindOptions) ([]json.RawMessage, error) {
	const op = "ds.find"
	q, err := d.parse(op, collection, query)
	if err != nil {
		return nil, err
	}
	if _, err := rowLimit(op, opt.Limit); err != nil {
		return nil, err
	}
	if opt.Offset < 0 {
		return nil, &storage.Error{Code: storage.CodeInvalid, Op: op, Msg: "the offset is negative"}
	}
	if opt.Sort != "" {
		return d.findSorted(op, collection, q, opt)
	}
	found := []json.RawMessage{}
	size := resultSize{op: op, limit: opt.Limit}
	skip := opt.Offset
	err = d.scan(op, collection, q, opt, func(_ int64, body string) error {
		if skip > 0 {
			skip--
			return nil
		}
		found = append(found, json.RawMessage(body))
		if err := size.add(len(body)); err != nil {
			return err
		}
		if len(found) == opt.Limit {
			return errStop
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// findSorted gathers the sort keys of all matches, a million or so at most, and
// then reads the documents of the page.
func (d *docs) findSorted(op, collection string, q *storage.Expr, opt storage.FindOptions) ([]json.RawMessage, error) {
	type match struct {
		key storage.SortKey
		seq int64
	}
	var matches []match
	path := storage.ParsePath(opt.Sort)
	held := 0
	err := d.scanSorted(op, collection, q, opt, func(seq int64, body string) error {
		key := storage.NewSortKey(body, path)
		if held += sortedRow + key.Size(); held > storage.MaxResult {
			return &storage.Error{Code: storage.CodeResultTooLarge, Op: op, Msg: "too many matches to sort", Hint: "narrow the query"}
		}
		matches = append(matches, match{key, seq})
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(matches, func(a, b match) int { return cmp.Or(a.key.Compare(b.key), cmp.Compare(a.seq, b.seq)) })
	if opt.Desc {
		slices.Reverse(matches)
	}
	matches = matches[min(opt.Offset, len(matches)):]
	if opt.Limit > 0 {
		matches = matches[:min(opt.Limit, len(matches))]
	}
	found := []json.RawMessage{}
	size := resultSize{op: op, limit: opt.Limit}
	for _, m := range matches {
		row, err := d.row(op, docsBody, d.key(collection, m.seq)...)
		if err != nil {
			return nil, err
		}
		body, _ := row[0].(string)
		found = append(found, json.RawMessage(body))
		if err := size.add(len(body)); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (d *docs) Count(collection string, query json.RawMessage) (int, error) {
	const op = "ds.count"
	q, err := d.parse(op, collection, query)
	if err != nil {
		return 0, err
	}
	n := 0
	err = d.scan(op, collection, q, storage.FindOptions{}, func(int64, string) error { n++; return nil })
	return n, err
}
