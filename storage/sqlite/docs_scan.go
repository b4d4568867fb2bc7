package sqlite

import (
	"database/sql/driver"
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/mattn/go-sqlite3"
)

// A scan reads its first documents row by row, and all others in batches: SQLite
// joins the bodies of a few hundred to one text, which crosses over to Go at once.
// To fetch a row costs more than to match one. In a text, what no document can match
// without is looked for ([storage.Expr.Needle]), and only where it is a document
// is matched.
const (
	// firstRows are read row by row: many a find has enough by then, and many a
	// collection has no more.
	firstRows = 64
	// batchBytes is about how long a batch's text is, and maxBatchRows how many documents
	// it has at most. A batch takes about a tenth of a millisecond.
	batchBytes, maxBatchRows = 64 << 10, 1024
	// separator stands between the bodies of a batch. In JSON it would be escaped.
	separator = "\x1e"
	// rowWork is what a row costs, in bytes of text, see [session.pace].
	rowWork = 1 << 10
)

// The bound of a batch is found first: a LIMIT would have SQLite copy each body once more.
// The bodies are joined in the order in which SQLite finds them, which is that
// of the table's key, since all of the key is given but for a range of its last column.
var (
	batchEnd   = steady(`SELECT seq FROM documents WHERE app = ? AND user = ? AND collection = ? AND seq > ? ORDER BY seq LIMIT 1 OFFSET ?`)
	batchStart = steady(`SELECT seq FROM documents WHERE app = ? AND user = ? AND collection = ? AND seq > ? AND seq < ? ORDER BY seq DESC LIMIT 1 OFFSET ?`)

	batchBodies   = `SELECT count(*), group_concat(body, char(30))` + batchOf
	batchNumbers  = `SELECT group_concat(seq)` + batchOf
	batchOf       = steady(` FROM documents WHERE app = ? AND user = ? AND collection = ? AND seq > ? AND seq <= ?`)
	batchRows     = steady(`SELECT seq, body FROM documents WHERE app = ? AND user = ? AND collection = ? AND seq > ? AND seq <= ? ORDER BY seq`)
	batchRowsBack = batchRows + ` DESC`
)

// document is one that was read. Its body may be a part of a longer text, and is to be
// copied by whoever keeps it.
type document struct {
	body  string
	seq   int64 // if batch is nil
	batch *batch
	place int // in the batch
}

// number returns what orders documents by insertion.
func (doc *document) number() (int64, error) {
	if doc.batch == nil {
		return doc.seq, nil
	}
	return doc.batch.number(doc.place)
}

// scanAll calls fn with the documents after a number, in order of insertion or
// backwards, but perhaps not with those without the needle.
func (d *docs) scanAll(op, collection string, after int64, back bool, needle string, fn func(*document) error) error {
	query, before := docsScan, int64(math.MaxInt64)
	if back {
		query = docsBack
	}
	rows, size := 0, 0
	doc := &document{}
	enough := false
	err := d.quickRows(op, query, d.key(collection, after), func(row []driver.Value) error {
		if enough = rows == firstRows && d.conn.reader != nil; enough {
			return errStop
		}
		doc.seq, doc.body = row[0].(int64), row[1].(string)
		rows, size = rows+1, size+len(doc.body)
		return fn(doc)
	})
	if !enough {
		return err
	}
	if back {
		before = doc.seq
	} else {
		after = doc.seq
	}
	s := &batches{docs: d, op: op, key: d.key(collection), after: after, before: before, back: back}
	s.expect(rows, size)
	return s.each(needle, fn)
}

// batches are what a scan has before it.
type batches struct {
	docs          *docs
	op            string
	key           []any
	after, before int64 // both exclusive
	back          bool
	rows          int // of the next
}

// batch is some documents that follow each other.
type batch struct {
	of        *batches
	after, to int64    // exclusive and inclusive
	text      string   // the bodies, with separators between
	numbers   []string // once one was asked for
}

// expect sizes the next batch by documents that were read.
func (s *batches) expect(rows, size int) {
	s.rows = max(1, min(batchBytes/(size/max(1, rows)+1), maxBatchRows))
}

func (s *batches) args(more ...any) []any { return append(s.key[:len(s.key):len(s.key)], more...) }

func (s *batches) each(needle string, fn func(*document) error) error {
	for s.after+1 < s.before {
		b, err := s.next()
		if err != nil {
			return err
		}
		joined, err := b.join()
		switch {
		case err != nil:
			return err
		case joined:
			if err = s.docs.pace(rowWork + len(b.text)); err == nil {
				err = b.each(needle, fn)
			}
		default:
			err = b.fetch(fn)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// next says which documents are the next batch's.
func (s *batches) next() (*batch, error) {
	b := &batch{of: s, after: s.after, to: s.before - 1}
	if s.back {
		row, err := s.docs.row(s.op, batchStart, s.args(s.after, s.before, s.rows)...)
		if err == nil && row != nil {
			b.after = row[0].(int64)
		}
		s.before = b.after + 1
		return b, err
	}
	row, err := s.docs.row(s.op, batchEnd, s.args(s.after, s.rows-1)...)
	if err == nil && row != nil {
		b.to = row[0].(int64)
	}
	s.after = b.to
	return b, err
}

// join reads the text, unless it would be too long because the documents are larger than those
// before them, or could not be told apart because an operator has written one
// in a form of its own.
func (b *batch) join() (bool, error) {
	row, err := b.of.docs.row(b.of.op, batchBodies, b.of.args(b.after, b.to)...)
	if se, ok := errors.AsType[sqlite3.Error](err); ok && se.Code == sqlite3.ErrTooBig {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	count := int(row[0].(int64))
	b.text, _ = row[1].(string)
	b.of.expect(count, len(b.text))
	return count == 0 || strings.Count(b.text, separator) == count-1, nil
}

// fetch calls fn with the documents of a batch row by row.
func (b *batch) fetch(fn func(*document) error) error {
	query := batchRows
	if b.of.back {
		query = batchRowsBack
	}
	doc := &document{}
	rows, size := 0, 0
	err := b.of.docs.quickRows(b.of.op, query, b.of.args(b.after, b.to), func(row []driver.Value) error {
		doc.seq, doc.body = row[0].(int64), row[1].(string)
		rows, size = rows+1, size+len(doc.body)
		return fn(doc)
	})
	b.of.expect(rows, size)
	return err
}

// each calls fn with the documents that have the needle. One with escapes might have
// it in another form.
func (b *batch) each(needle string, fn func(*document) error) error {
	if b.text == "" {
		return nil
	}
	if strings.IndexByte(b.text, '\\') >= 0 {
		needle = ""
	}
	if b.of.back {
		return b.eachBack(needle, fn)
	}
	doc := &document{batch: b}
	for start := 0; start <= len(b.text); doc.place++ {
		if needle != "" {
			i := strings.Index(b.text[start:], needle)
			if i < 0 {
				return nil
			}
			if last := strings.LastIndex(b.text[start:start+i], separator); last >= 0 {
				doc.place += strings.Count(b.text[start:start+last+1], separator)
				start += last + 1
			}
		}
		end := len(b.text)
		if i := strings.Index(b.text[start:], separator); i >= 0 {
			end = start + i
		}
		doc.body = b.text[start:end]
		if err := fn(doc); err != nil {
			return err
		}
		start = end + 1
	}
	return nil
}

func (b *batch) eachBack(needle string, fn func(*document) error) error {
	doc := &document{batch: b, place: strings.Count(b.text, separator)}
	for end := len(b.text); end >= 0; doc.place-- {
		if needle != "" {
			i := strings.LastIndex(b.text[:end], needle)
			if i < 0 {
				return nil
			}
			if next := strings.Index(b.text[i:end], separator); next >= 0 {
				doc.place -= strings.Count(b.text[i+next:end], separator)
				end = i + next
			}
		}
		start := strings.LastIndex(b.text[:end], separator) + 1
		doc.body = b.text[start:end]
		if err := fn(doc); err != nil {
			return err
		}
		end = start - 1
	}
	return nil
}

// number returns that of a document of the batch. They are read when one is asked
// for: most batches have no match.
func (b *batch) number(place int) (int64, error) {
	if b.numbers == nil {
		row, err := b.of.docs.row(b.of.op, batchNumbers, b.of.args(b.after, b.to)...)
		if err != nil {
			return 0, err
		}
		text, _ := row[0].(string)
		b.numbers = strings.Split(text, ",")
	}
	return strconv.ParseInt(b.numbers[place], 10, 64)
}
