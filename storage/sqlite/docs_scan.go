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
	// batchBytes is about how long a batch's text is: short enough for both SQLite and Go to
	// have room for it without asking the kernel.
	batchBytes = 24 << 10
	// separator stands between the bodies of a batch. In JSON it would be escaped.
	separator = "\x1e"
	// rowWork is what a row costs, in bytes of text, see [session.pace].
	rowWork = 1 << 10
)

// A batch is all documents in a range of numbers. A LIMIT would have SQLite copy
// each body once more, and to look for the last of so many would have it walk twice;
// so the range goes by how far apart the documents before were. Bodies are joined in the
// order in which SQLite finds them, which is that of the table's key, since all of
// the key is given but for a range of its last column.
var (
	batchBodies   = `SELECT count(*), group_concat(body, char(30))` + batchOf
	batchNumbers  = `SELECT group_concat(seq)` + batchOf
	batchOf       = steady(` FROM documents WHERE app = ? AND user = ? AND collection = ? AND seq > ? AND seq <= ?`)
	batchRows     = `SELECT seq, body` + batchOf + ` ORDER BY seq`
	batchRowsBack = batchRows + ` DESC`
	oldestNumber  = steady(`SELECT seq FROM documents WHERE app = ? AND user = ? AND collection = ? ORDER BY seq LIMIT 1`)
	newestNumber  = steady(`SELECT seq FROM documents WHERE app = ? AND user = ? AND collection = ? ORDER BY seq DESC LIMIT 1`)
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
	query := docsScan
	if back {
		query = docsBack
	}
	doc := &document{}
	rows, size, first := 0, 0, int64(0)
	enough := false
	err := d.quickRows(op, query, d.key(collection, after), func(row []driver.Value) error {
		if enough = rows == firstRows && d.conn.reader != nil; enough {
			return errStop
		}
		doc.seq, doc.body = row[0].(int64), row[1].(string)
		d.cost.read++
		if rows++; rows == 1 {
			first = doc.seq
		}
		size += len(doc.body)
		return fn(doc)
	})
	if !enough {
		return err
	}
	s := &batches{docs: d, op: op, key: d.key(collection), after: doc.seq, back: back}
	query = newestNumber
	if back {
		s.after, query = after, oldestNumber
	}
	row, err := d.row(op, query, s.key...)
	if err != nil {
		return err
	}
	if s.to = row[0].(int64); back {
		s.after, s.to = max(after, s.to-1), doc.seq-1
	}
	s.span = max(doc.seq-first, first-doc.seq)
	s.adapt(size)
	return s.each(needle, fn)
}

// batches are what a scan has before it.
type batches struct {
	docs      *docs
	op        string
	key       []any
	after, to int64 // exclusive and inclusive
	back      bool
	span      int64 // how many numbers are the next batch's
}

// batch is the documents in a range of numbers.
type batch struct {
	of        *batches
	after, to int64    // exclusive and inclusive
	text      string   // the bodies, with separators between
	numbers   []string // once one was asked for
}

// adapt sizes the next batch by the last.
func (s *batches) adapt(size int) {
	const grow = 4
	want := s.span
	if most := int64(math.MaxInt64 / grow); want > most {
		want = most
	}
	want *= grow
	if size > 0 {
		want = min(want, int64(float64(s.span)*batchBytes/float64(size)))
	}
	s.span = max(want, 1)
}

func (s *batches) args(more ...any) []any { return append(s.key[:len(s.key):len(s.key)], more...) }

func (s *batches) each(needle string, fn func(*document) error) error {
	for s.after < s.to {
		b := &batch{of: s, after: s.after, to: s.to}
		if s.span < s.to-s.after {
			if b.to = s.after + s.span; s.back {
				b.after, b.to = s.to-s.span, s.to
			}
		}
		joined, err := b.join()
		if tooBig(err) && s.span > 1 {
			s.adapt(maxText)
			continue
		}
		switch {
		case tooBig(err), err == nil && !joined:
			err = b.fetch(fn)
		case err == nil:
			if err = s.docs.pace(rowWork + len(b.text)); err == nil {
				err = b.each(needle, fn)
			}
		}
		if err != nil {
			return err
		}
		if s.back {
			s.to = b.after
		} else {
			s.after = b.to
		}
	}
	return nil
}

func tooBig(err error) bool {
	se, ok := errors.AsType[sqlite3.Error](err)
	return ok && se.Code == sqlite3.ErrTooBig
}

// join reads the text. It reports false if the bodies could not be told apart: an operator
// has written one in a form of its own.
func (b *batch) join() (bool, error) {
	row, err := b.of.docs.row(b.of.op, batchBodies, b.of.args(b.after, b.to)...)
	if err != nil {
		return false, err
	}
	count := int(row[0].(int64))
	b.of.docs.cost.read += int64(count)
	b.text, _ = row[1].(string)
	b.of.adapt(len(b.text))
	return count == 0 || strings.Count(b.text, separator) == count-1, nil
}

// fetch calls fn with the documents of a batch row by row.
func (b *batch) fetch(fn func(*document) error) error {
	query := batchRows
	if b.of.back {
		query = batchRowsBack
	}
	doc := &document{}
	return b.of.docs.quickRows(b.of.op, query, b.of.args(b.after, b.to), func(row []driver.Value) error {
		doc.seq, doc.body = row[0].(int64), row[1].(string)
		return fn(doc)
	})
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
