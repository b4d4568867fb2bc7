package sqlite

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
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
	// updateRows and updateBytes are how many matches an update gathers, at
	// least, before it writes them.
	updateRows  = 256
	updateBytes = 4 << 20
	// sortedRow is about how many bytes a sorted find holds for each match,
	// besides a text to sort by.
	sortedRow = 64

	docsByID = `SELECT seq, body FROM docs WHERE app = ? AND user = ? AND collection = ? AND id = ? AND seq > ?`
	docsBody = `SELECT body FROM docs WHERE app = ? AND user = ? AND collection = ? AND seq = ?`

	docsInsert = `INSERT INTO docs (app, user, collection, seq, id, body, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
	docsUpdate = `UPDATE docs SET body = ?, updated_at = ? WHERE app = ? AND user = ? AND collection = ? AND seq = ?`
	docsDelete = `DELETE FROM docs WHERE app = ? AND user = ? AND collection = ? AND seq = ?`
	docsClear  = `DELETE FROM docs WHERE app = ? AND user = ? AND collection = ?`
)

var (
	docsScan   = steady(`SELECT seq, body FROM docs WHERE app = ? AND user = ? AND collection = ? AND seq > ? ORDER BY seq`)
	docsBack   = steady(`SELECT seq, body FROM docs WHERE app = ? AND user = ? AND collection = ? AND seq > ? ORDER BY seq DESC`)
	docsOldest = steady(`SELECT seq FROM docs WHERE app = ? AND user = ? AND collection = ? AND seq <= (SELECT seq FROM docs
		WHERE app = ? AND user = ? AND collection = ? ORDER BY seq DESC LIMIT 1 OFFSET ?) ORDER BY seq`)
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
	return q, withOp(op, err)
}

// withOp names the operation in an error of the query language.
func withOp(op string, err error) error {
	if e, ok := err.(*storage.Error); ok && e.Op == "" {
		e.Op = op
	}
	return err
}

func (d *docs) key(collection string, more ...any) []any {
	return append([]any{d.scope.App, d.scope.User, collection}, more...)
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

func (d *docs) Insert(collection string, doc json.RawMessage) (string, error) {
	const op = "ds.insert"
	if err := storage.CheckKey(op, "collection", collection); err != nil {
		return "", err
	}
	now := time.Now().UnixMilli()
	id, body, err := storage.NewDocument(doc, newDocumentID, now)
	if err != nil {
		return "", withOp(op, err)
	}
	return id, d.insert(op, collection, id, body, now)
}

func (d *docs) insert(op, collection, id, body string, now int64) error {
	if d.tx == nil {
		return errReadOnly(op)
	}
	if err := d.reserve(op, body, len(collection)+len(body)); err != nil {
		return err
	}
	seq, err := d.tx.next()
	if err != nil {
		return wrap(op, err)
	}
	_, err = d.write(op, docsInsert, d.key(collection, seq, id, body, now, now)...)
	if storage.CodeOf(err) == storage.CodeConflict {
		return &storage.Error{Code: storage.CodeConflict, Op: op, Path: "id", Msg: fmt.Sprintf("the id %q is taken", id)}
	}
	if err != nil {
		return err
	}
	return d.indexed(d.addEntries(op, collection, seq, body))
}

// indexed passes on how the index entries of a document that has been written
// were kept. Without them the document must not be: the transaction fails, also
// if its caller goes on in spite of the error.
func (d *docs) indexed(err error) error {
	if err != nil {
		d.tx.fail(err)
	}
	return err
}

// reserve refuses a document past a quota.
func (d *docs) reserve(op, body string, grow int) error {
	if err := d.tx.w.quotas.CheckDocument(op, body); err != nil {
		return err
	}
	return d.tx.reserve(op, d.scope.App, int64(grow))
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

func (d *docs) Update(collection string, query, changes json.RawMessage) (int, error) {
	const op = "ds.update"
	q, c, err := d.parseUpdate(op, collection, query, changes)
	if err != nil {
		return 0, err
	}
	return d.update(op, collection, q, c)
}

func (d *docs) parseUpdate(op, collection string, query, changes json.RawMessage) (*storage.Expr, *storage.Changes, error) {
	q, err := d.parseWrite(op, collection, query)
	if err != nil {
		return nil, nil, err
	}
	c, err := storage.ParseChanges(changes)
	return q, c, withOp(op, err)
}

// parseWrite is parse for an operation that changes the matches. It takes no
// missing query for one that matches all.
func (d *docs) parseWrite(op, collection string, query json.RawMessage) (*storage.Expr, error) {
	if text := bytes.TrimSpace(query); len(text) == 0 || string(text) == "null" {
		return nil, &storage.Error{Code: storage.CodeInvalid, Op: op, Msg: "a query is required", Hint: "{} matches every document"}
	}
	if d.tx == nil {
		return nil, errReadOnly(op)
	}
	return d.parse(op, collection, query)
}

func (d *docs) update(op, collection string, q *storage.Expr, c *storage.Changes) (int, error) {
	now := time.Now().UnixMilli()
	from, err := d.choose(op, collection, q, storage.FindOptions{})
	if err != nil {
		return 0, err
	}
	return d.each(op, collection, q, from, func(seq int64, body string) error {
		changed, err := c.Apply(body, now)
		if err != nil {
			return withOp(op, err)
		}
		if err := d.reserve(op, changed, len(changed)-len(body)); err != nil {
			return err
		}
		if _, err := d.write(op, docsUpdate, changed, now, d.scope.App, d.scope.User, collection, seq); err != nil {
			return err
		}
		return d.indexed(d.updateEntries(op, collection, seq, body, changed))
	})
}

// each calls fn for every match, and returns how many there were. fn may change
// the row: rows are gathered first, a chunk at a time, since a scan over rows
// that change under it has no certain outcome.
func (d *docs) each(op, collection string, q *storage.Expr, from source, fn func(seq int64, body string) error) (int, error) {
	type match struct {
		seq  int64
		body string
	}
	n, after := 0, int64(0)
	for {
		var chunk []match
		size, full := 0, false
		err := d.scanFrom(op, collection, q, from, after, false, func(seq int64, body string) error {
			chunk = append(chunk, match{seq, body})
			size += len(body)
			if full = len(chunk) >= updateRows || size >= updateBytes; full {
				return errStop
			}
			return nil
		})
		if err != nil {
			if n > 0 {
				d.tx.fail(err)
			}
			return 0, err
		}
		for _, m := range chunk {
			if err := fn(m.seq, m.body); err != nil {
				if n > 0 {
					d.tx.fail(err) // half of an update is none
				}
				return 0, err
			}
			n, after = n+1, m.seq
		}
		if !full {
			return n, nil
		}
	}
}

func (d *docs) Upsert(collection string, query, changes json.RawMessage) (int, error) {
	const op = "ds.upsert"
	q, c, err := d.parseUpdate(op, collection, query, changes)
	if err != nil {
		return 0, err
	}
	n, err := d.update(op, collection, q, c)
	if err != nil || n > 0 {
		return n, err
	}
	now := time.Now().UnixMilli()
	id, body, err := c.Upsert(q, newDocumentID, now)
	if err != nil {
		return 0, withOp(op, err)
	}
	if err := d.insert(op, collection, id, body, now); err != nil {
		return 0, err
	}
	return 1, nil
}

func (d *docs) Delete(collection string, query json.RawMessage) (int, error) {
	const op = "ds.delete"
	q, err := d.parseWrite(op, collection, query)
	if err != nil {
		return 0, err
	}
	if q.MatchesAll() {
		if err := d.clearEntries(op, collection); err != nil {
			return 0, err
		}
		n, err := d.write(op, docsClear, d.key(collection)...)
		return int(n), err
	}
	from, err := d.choose(op, collection, q, storage.FindOptions{})
	if err != nil {
		return 0, err
	}
	return d.remove(op, collection, q, from)
}

// remove deletes the matches.
func (d *docs) remove(op, collection string, q *storage.Expr, from source) (int, error) {
	return d.each(op, collection, q, from, func(seq int64, body string) error {
		if _, err := d.write(op, docsDelete, d.key(collection, seq)...); err != nil {
			return err
		}
		return d.indexed(d.removeEntries(op, collection, seq, body))
	})
}

func (d *docs) DeleteOldest(collection string, keep int) (int, error) {
	const op = "ds.deleteOldest"
	if err := storage.CheckKey(op, "collection", collection); err != nil {
		return 0, err
	}
	if keep < 0 {
		return 0, &storage.Error{Code: storage.CodeInvalid, Op: op, Msg: "the number to keep is negative"}
	}
	if d.tx == nil {
		return 0, errReadOnly(op)
	}
	from := source{Plan: storage.Plan{Access: storage.ReadEntries}}
	err := d.rows(op, docsOldest, d.key(collection, d.key(collection, keep)...), func(row []driver.Value) error {
		from.seqs = append(from.seqs, row[0].(int64))
		return nil
	})
	if err != nil {
		return 0, err
	}
	return d.remove(op, collection, &storage.Expr{Op: storage.OpAnd}, from)
}
