package postgres

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/calls"
	"github.com/fazt-sh/fazt/storage/internal/demand"
	"github.com/fazt-sh/fazt/storage/internal/sorted"
)

// docs implements [storage.Docs].
//
// A query is tried on each document of the collection in Go, by the one implementation
// that every engine shares, and not in SQL, whose functions compare values by other rules:
// a document is stored as its text. A query that names an id reads that one row, and one
// that an index narrows reads what the index gives.
type docs struct {
	*scopeTx

	// What the operation at hand is about, see [docs.open].
	collection *collectionState
	cost       demand.Cost
}

const (
	// Of an id only documents_id is to be used: so app and user are compared as what no
	// index has.
	docsByID = `SELECT seq, body FROM documents WHERE id = $4 AND collection = $3 AND app || '' = $1 AND "user" || '' = $2`
	docsScan = `SELECT seq, body FROM documents WHERE app = $1 AND "user" = $2 AND collection = $3 AND seq > $4 ORDER BY seq LIMIT $5`
	docsBack = `SELECT seq, body FROM documents WHERE app = $1 AND "user" = $2 AND collection = $3 AND seq < $4 ORDER BY seq DESC LIMIT $5`
	// Each number is looked for: with seq = ANY, a database without statistics may read
	// the whole collection.
	docsBodies = `SELECT n, (SELECT body FROM documents WHERE app = $1 AND "user" = $2 AND collection = $3 AND seq = n) FROM unnest($4::BIGINT[]) AS n`
)

// errStop ends a scan that has found enough.
var errStop = errors.New("enough rows")

func ignoreStop(err error) error {
	if err == errStop {
		return nil
	}
	return err
}

// parse checks the collection's name and the query, and opens the collection.
func (d *docs) parse(op, collection string, query json.RawMessage) (*storage.Expr, error) {
	q, err := calls.ParseQuery(op, collection, query)
	if err != nil {
		return nil, err
	}
	return q, d.open(op, collection)
}

// open finds the collection that the operation at hand is about.
func (d *docs) open(op, name string) (err error) {
	key := collectionKey{d.scope.App, d.scope.User, name}
	if d.tx != nil {
		d.collection, err = d.tx.collection(key)
		return wrap(op, err)
	}
	rows, err := d.q.rows(d.ctx, collectionGet, []any{key.app, key.user, key.name})
	if err != nil {
		return wrap(op, err)
	}
	d.collection = &collectionState{collectionKey: key}
	return readCollection(rows, d.collection)
}

// key is the key of the documents of the collection.
func (d *docs) key(more ...any) []any {
	c := d.collection
	return append([]any{c.app, c.user, c.generation}, more...)
}

func (d *docs) Find(collection string, query json.RawMessage, opt storage.FindOptions) ([]json.RawMessage, error) {
	const op = "ds.find"
	q, err := calls.ParseFind(op, collection, query, opt)
	if err != nil {
		return nil, err
	}
	return d.find(op, collection, q, opt)
}

func (d *docs) find(op, collection string, q *storage.Expr, opt storage.FindOptions) (found []json.RawMessage, err error) {
	if err := d.open(op, collection); err != nil {
		return nil, err
	}
	if opt.Sort != "" {
		found, err = d.findSorted(op, q, opt)
	} else {
		found, err = d.findInOrder(op, q, opt)
	}
	if err != nil {
		return nil, d.tooLong(op, wrap(op, err))
	}
	return found, nil
}

// tooLong says what would have helped a scan that had too little time.
func (d *docs) tooLong(op string, err error) error {
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &storage.Error{Op: op, Err: err, Hint: "index the fields that the query names or that it sorts by"}
}

// findInOrder finds in the order of insertion, or backwards.
func (d *docs) findInOrder(op string, q *storage.Expr, opt storage.FindOptions) ([]json.RawMessage, error) {
	found := []json.RawMessage{}
	size := d.size(op, opt.Limit)
	skip := opt.Offset
	err := d.documents(op, q, opt, func(_ int64, body string) error {
		if skip > 0 {
			skip--
			return nil
		}
		if err := size.add(len(body)); err != nil {
			return err
		}
		found = append(found, json.RawMessage(body))
		if len(found) == opt.Limit {
			return errStop
		}
		return nil
	})
	return found, err
}

// findSorted gathers the sort keys of the page and of what is before it, and then
// reads the documents of the page.
func (d *docs) findSorted(op string, q *storage.Expr, opt storage.FindOptions) ([]json.RawMessage, error) {
	limit, err := calls.RowLimit(op, opt.Limit)
	if err != nil {
		return nil, err
	}
	first := sorted.First{Limit: opt.Offset + limit, Desc: opt.Desc}
	path := storage.ParsePath(opt.Sort)
	err = d.scanSorted(op, q, opt, func(seq int64, body string) error {
		key := storage.NewSortKey(body, path)
		if !first.Takes(key, false) {
			return nil
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
	matches = matches[min(opt.Offset, len(matches)):]
	found := make([]json.RawMessage, 0, len(matches))
	size := d.size(op, opt.Limit)
	for len(matches) > 0 {
		part := matches[:min(len(matches), d.pageRows())]
		matches = matches[len(part):]
		seqs := make([]int64, len(part))
		for i := range part {
			seqs[i] = part[i].Seq
		}
		bodies, err := d.bodies(op, seqs)
		if err != nil {
			return nil, err
		}
		for _, seq := range seqs {
			if err := size.add(len(bodies[seq])); err != nil {
				return nil, err
			}
			found = append(found, json.RawMessage(bodies[seq]))
		}
	}
	return found, nil
}

// bodies reads documents by their numbers.
func (d *docs) bodies(op string, seqs []int64) (map[int64]string, error) {
	rows, err := d.q.rows(d.ctx, docsBodies, d.key(seqs))
	if err != nil {
		return nil, wrap(op, err)
	}
	bodies := make(map[int64]string, len(rows.rows))
	for i := range rows.rows {
		if rows.rows[i][1] != nil {
			bodies[rows.int64(i, 0)] = rows.text(i, 1)
		}
	}
	return bodies, d.pace()
}

func (d *docs) Count(collection string, query json.RawMessage) (int, error) {
	const op = "ds.count"
	q, err := d.parse(op, collection, query)
	if err != nil {
		return 0, err
	}
	if q.MatchesAll() {
		return int(d.collection.count), nil
	}
	n := 0
	err = d.documents(op, q, storage.FindOptions{}, func(int64, string) error { n++; return nil })
	if err != nil {
		return 0, d.tooLong(op, wrap(op, err))
	}
	return n, nil
}
