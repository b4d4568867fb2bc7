package sqlite

import (
	"encoding/json"
	"errors"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/calls"
	"github.com/fazt-sh/fazt/storage/internal/sorted"
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
	docsByID = `SELECT seq, body FROM documents WHERE app = ? AND user = ? AND collection = ? AND id = ? AND seq > ?`
	docsBody = `SELECT body FROM documents WHERE app = ? AND user = ? AND collection = ? AND seq = ?`
)

var (
	docsScan = steady(`SELECT seq, body FROM documents WHERE app = ? AND user = ? AND collection = ? AND seq > ? ORDER BY seq`)
	docsBack = steady(`SELECT seq, body FROM documents WHERE app = ? AND user = ? AND collection = ? AND seq > ? ORDER BY seq DESC`)
)

// errStop ends a scan that has found enough.
var errStop = errors.New("enough rows")

// parse checks the collection's name and the query, and opens the collection.
func (d *docs) parse(op, collection string, query json.RawMessage) (*storage.Expr, error) {
	q, err := calls.ParseQuery(op, collection, query)
	if err != nil {
		return nil, err
	}
	return q, d.open(op, collection)
}

// open finds the collection that the operation at hand is about.
func (d *docs) open(op, collection string) (err error) {
	d.collection = collection
	d.generation, err = d.generationOf(op, collectionKey{d.scope.App, d.scope.User, collection})
	return err
}

// key is the key of the documents of a collection that was opened.
func (d *docs) key(collection string, more ...any) []any {
	if d.collection != collection {
		panic("sqlite: the collection is not open")
	}
	return append([]any{d.scope.App, d.scope.User, d.generation}, more...)
}

func (d *docs) Find(collection string, query json.RawMessage, opt storage.FindOptions) (found []json.RawMessage, err error) {
	const op = "ds.find"
	q, err := calls.ParseFind(op, collection, query, opt)
	if err != nil {
		return nil, err
	}
	err = d.operation(op, func() (err error) {
		defer d.blame(op, &err)
		if err = d.open(op, collection); err == nil {
			found, err = d.find(op, collection, q, opt)
		}
		return err
	})
	return found, err
}

func (d *docs) find(op, collection string, q *storage.Expr, opt storage.FindOptions) ([]json.RawMessage, error) {
	if opt.Sort != "" {
		return d.findSorted(op, collection, q, opt)
	}
	return d.findInOrder(op, collection, q, opt)
}

// findInOrder finds in the order of insertion, or backwards.
func (d *docs) findInOrder(op, collection string, q *storage.Expr, opt storage.FindOptions) ([]json.RawMessage, error) {
	found := []json.RawMessage{}
	size := resultSize{session: &d.session, op: op, limit: opt.Limit}
	skip := opt.Offset
	err := d.documents(op, collection, q, opt, func(doc *document) error {
		if skip > 0 {
			skip--
			return nil
		}
		if err := size.add(len(doc.body)); err != nil {
			return err
		}
		found = append(found, json.RawMessage(doc.body))
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

// findSorted gathers the sort keys of the page and of what is before it, and then
// reads the documents of the page.
func (d *docs) findSorted(op, collection string, q *storage.Expr, opt storage.FindOptions) ([]json.RawMessage, error) {
	limit, err := calls.RowLimit(op, opt.Limit)
	if err != nil {
		return nil, err
	}
	first := sorted.First{Limit: opt.Offset + limit, Desc: opt.Desc}
	path := storage.ParsePath(opt.Sort)
	err = d.scanSorted(op, collection, q, opt, func(doc *document) error {
		key := storage.NewSortKey(doc.body, path)
		if !first.Takes(key, doc.batch != nil) { // batches come in the order of the find
			return nil
		}
		seq, err := doc.number()
		if err != nil {
			return err
		}
		if first.Add(key, seq); first.Held > storage.MaxResult {
			return &storage.Error{Code: storage.CodeResultTooLarge, Op: op, Msg: "too many matches to sort", Hint: "narrow the query"}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	matches := first.Sorted()
	found := []json.RawMessage{}
	size := resultSize{session: &d.session, op: op, limit: opt.Limit}
	for _, m := range matches[min(opt.Offset, len(matches)):] {
		row, err := d.row(op, docsBody, d.key(collection, m.Seq)...)
		if err != nil {
			return nil, err
		}
		body, _ := row[0].(string)
		if err := errors.Join(d.pace(rowWork+len(body)), size.add(len(body))); err != nil {
			return nil, err
		}
		found = append(found, json.RawMessage(body))
	}
	return found, nil
}

func (d *docs) Count(collection string, query json.RawMessage) (n int, err error) {
	const op = "ds.count"
	err = d.operation(op, func() (err error) {
		defer d.blame(op, &err)
		n, err = d.count(op, collection, query)
		return err
	})
	return n, err
}

func (d *docs) count(op, collection string, query json.RawMessage) (int, error) {
	q, err := d.parse(op, collection, query)
	if err != nil {
		return 0, err
	}
	if q.MatchesAll() {
		n, _, err := d.size(op, collection)
		return n, err
	}
	n := 0
	err = d.documents(op, collection, q, storage.FindOptions{}, func(*document) error { n++; return nil })
	if err != nil {
		return 0, err
	}
	return n, nil
}
