package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/fazt-sh/fazt/storage"
)

// A scan reads its first documents row by row, and all others in batches: SQLite
// joins the bodies of a few hundred to one text, which Go reads where it is ([joiner]).
// To fetch a row costs more than to match one. In the text a [storage.Finder] looks for
// documents that may match, and only these are matched.
const (
	// firstRows are read row by row: many a find has enough by then, and many a
	// collection has no more.
	firstRows = 64
	// firstBatch is about how long the first batch's text is, and batchBytes, to which that
	// doubles, the longest one's. What a batch costs by itself is not seen any more at that
	// length, and it takes less time than a read may go on for (paceEvery).
	firstBatch, batchBytes = 20 << 10, 160 << 10
	// batchTime is how long the statement of one batch may take, which can't be paced. A
	// batch takes a hundredth of that, unless the documents are far larger than those
	// before them, or the disk is slow: then it is done again in smaller ones.
	batchTime = 20 * time.Millisecond
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
	batchJoined   = `SELECT count(*), join_bodies(body)` + batchOf
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
	place int // where in the batch's text it begins
}

// number returns what orders documents by insertion.
func (doc *document) number() (int64, error) {
	if doc.batch == nil {
		return doc.seq, nil
	}
	return doc.batch.number(doc.place)
}

// scanAll calls fn with the documents after a number, in order of insertion or
// backwards, but perhaps not with those that finder, if there is one, doesn't find.
func (d *docs) scanAll(op, collection string, after int64, back bool, finder *storage.Finder, fn func(*document) error) error {
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
		d.cost.Read++
		if rows++; rows == 1 {
			first = doc.seq
		}
		size += len(doc.body)
		if err := fn(doc); err != nil {
			return err
		}
		d.reach(doc.seq)
		return nil
	})
	if !enough {
		return tooLong(op, err)
	}
	s := &batches{docs: d, op: op, key: d.key(collection), after: doc.seq, back: back, bytes: firstBatch, finder: finder}
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
	defer d.conn.reader.joiner.trim()
	return tooLong(op, s.each(fn))
}

// tooLong says what would have helped a scan that had too little time.
func tooLong(op string, err error) error {
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &storage.Error{Op: op, Err: err, Hint: "index the fields that the query names or that it sorts by"}
}

// reach notes how far a scan has got.
func (d *docs) reach(seq int64) {
	if d.reached != nil {
		*d.reached = seq
	}
}

// batches are what a scan has before it.
type batches struct {
	docs      *docs
	op        string
	key       []any
	after, to int64 // exclusive and inclusive
	back      bool
	span      int64 // how many numbers are the next batch's
	bytes     int   // how long its text is to be, about
	finder    *storage.Finder
	found     []document // in a batch that is read backwards; kept for its room
}

// batch is the documents in a range of numbers.
type batch struct {
	of        *batches
	after, to int64    // exclusive and inclusive
	text      string   // the bodies, with separators between
	numbers   []string // once one was asked for

	place, index int // the document that was asked for last
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
		want = min(want, int64(float64(s.span)*float64(s.bytes)/float64(size)))
	}
	s.bytes = min(2*s.bytes, batchBytes)
	s.span = max(want, 1)
}

func (s *batches) args(more ...any) []any { return append(s.key[:len(s.key):len(s.key)], more...) }

func (s *batches) each(fn func(*document) error) error {
	for s.after < s.to {
		b := &batch{of: s, after: s.after, to: s.to}
		if s.span < s.to-s.after {
			if b.to = s.after + s.span; s.back {
				b.after, b.to = s.to-s.span, s.to
			}
		}
		joined, err := b.join()
		large := tooBig(err) || err == context.DeadlineExceeded
		if large && s.span > 1 {
			s.adapt(maxText)
			continue
		}
		switch {
		case large, err == nil && !joined:
			err = b.fetch(fn)
		case err == nil:
			if err = s.docs.pace(rowWork + len(b.text)); err == nil {
				err = b.each(fn)
			}
		}
		if err != nil {
			return err
		}
		if s.back {
			s.to = b.after
		} else {
			s.after = b.to
			s.docs.reach(b.to)
		}
	}
	return nil
}

func tooBig(err error) bool {
	se, ok := errors.AsType[sqlite3.Error](err)
	return ok && se.Code == sqlite3.ErrTooBig
}

// join reads the text. It reports false if the bodies could not be told apart: an operator
// has written one in a form of its own. It fails with [context.DeadlineExceeded] if
// that takes too long.
func (b *batch) join() (bool, error) {
	d := *b.of.docs
	ctx, cancel := context.WithTimeout(context.Background(), d.conn.reader.pool.batchTime)
	defer cancel()
	d.ctx = ctx
	count, joiner, all := 0, d.conn.reader.joiner, batchBodies
	if joiner != nil {
		all = batchJoined
	}
	err := d.rows(b.of.op, all, b.of.args(b.after, b.to), func(row []driver.Value) error {
		count = int(row[0].(int64))
		if joiner != nil {
			b.text = joiner.text()
		} else {
			b.text, _ = row[1].(string)
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	b.of.docs.cost.Read += int64(count)
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

// each calls fn with the documents that may match.
func (b *batch) each(fn func(*document) error) error {
	if b.text == "" {
		return nil
	}
	finder := b.of.finder
	if finder != nil {
		finder.Look(b.text)
	}
	back := b.of.found[:0]
	doc := document{batch: b}
	for start := 0; start <= len(b.text); {
		end := b.end(start)
		if finder != nil {
			at := finder.Next(start)
			if at < 0 {
				break
			}
			if at > end {
				start = strings.LastIndexByte(b.text[:at], separator[0]) + 1
				end = b.end(at)
			}
		}
		doc.body, doc.place = b.text[start:end], start
		start = end + 1
		if b.of.back {
			back = append(back, doc)
		} else if err := fn(&doc); err != nil {
			return err
		}
	}
	b.of.found = back
	for i := len(back) - 1; i >= 0; i-- {
		if err := fn(&back[i]); err != nil {
			return err
		}
	}
	return nil
}

// end returns where the document ends that is at a place.
func (b *batch) end(place int) int {
	if i := strings.IndexByte(b.text[place:], separator[0]); i >= 0 {
		return place + i
	}
	return len(b.text)
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
	if place >= b.place {
		b.index += strings.Count(b.text[b.place:place], separator)
	} else {
		b.index -= strings.Count(b.text[place:b.place], separator)
	}
	b.place = place
	return strconv.ParseInt(b.numbers[b.index], 10, 64)
}
