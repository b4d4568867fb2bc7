package sqlite

import (
	"bytes"
	"database/sql/driver"
	"slices"

	"github.com/fazt-sh/fazt/storage"
)

// A find that an index narrows reads only the documents that the index gives,
// and still tries the query on each. The statements name every column of the
// entries' key and fix the order of the join, so that SQLite has nothing to
// choose.
var (
	entryDocs = steady(`SELECT d.seq, d.body FROM index_entries e CROSS JOIN docs d
		ON d.app = e.app AND d.user = e.user AND d.collection = ? AND d.seq = e.seq
		WHERE e.app = ? AND e.index_id = ? AND e.user = ? AND e.value = ? AND e.seq > ? ORDER BY e.seq`)
	entryDocsBack = entryDocs + ` DESC`

	entrySeqs = steady(`SELECT e.seq FROM index_entries e
		WHERE e.app = ? AND e.index_id = ? AND e.user = ? AND e.value >= ? AND e.value < ? LIMIT ?`)
	entryOrder = steady(`SELECT e.value, d.seq, d.body FROM index_entries e CROSS JOIN docs d
		ON d.app = e.app AND d.user = e.user AND d.collection = ? AND d.seq = e.seq
		WHERE e.app = ? AND e.index_id = ? AND e.user = ? AND e.value >= ? AND e.value < ? ORDER BY `)
	entryWalk     = entryOrder + `e.value, e.seq`
	entryWalkBack = entryOrder + `e.value DESC, e.seq DESC`
)

// To read an entry costs less than to scan a document, and to fetch the document
// that it leads to costs more. So a find gathers up to gatherFirst entries, then
// gatherMore times as many, and so on; beyond gatherMost a scan is as good.
const (
	gatherFirst = 256
	gatherMore  = 16
	gatherMost  = 256 * 16 * 16
	// maxRanges is how many values of an $in are looked up one by one. Of more,
	// all that lies between the least and the greatest is read.
	maxRanges = 256
	// headStart is how many documents a find with a limit scans before an
	// index's many entries are gathered: if it finds its matches among them,
	// none of that is needed.
	headStart = 4096
)

// source says which documents of a collection a query can match: the one with
// an id, those of one key of an index, those with the numbers in seqs, or all.
type source struct {
	id string

	index int64 // 0: none
	key   []byte

	gathered bool
	seqs     []int64 // in order of insertion
}

// candidate is an index that narrows a query.
type candidate struct {
	index
	ranges []storage.IndexRange
}

// point reports whether the index gives the documents of one key, which lie in
// order of insertion.
func (c *candidate) point() bool { return len(c.ranges) == 1 && c.ranges[0].Point() }

// candidates returns the indexes that narrow the query.
func (d *docs) candidates(collection string, q *storage.Expr) ([]candidate, error) {
	if matchesAll(q) {
		return nil, nil
	}
	indexes, err := d.indexesOf(d.scope.App, collection)
	if err != nil {
		return nil, err
	}
	var found []candidate
	for _, x := range indexes {
		if !x.ready {
			continue
		}
		if ranges, ok := q.IndexRanges(x.field); ok {
			found = append(found, candidate{x, few(ranges)})
		}
	}
	return found, nil
}

// few returns the ranges, or one that spans them if they are too many.
func few(ranges []storage.IndexRange) []storage.IndexRange {
	if len(ranges) <= maxRanges {
		return ranges
	}
	return []storage.IndexRange{{From: ranges[0].From, To: ranges[len(ranges)-1].To}}
}

// choose finds out where the matches are. One index that gives one key is read
// as it lies. Otherwise the entries that each index gives are counted, with
// growing patience, until one of them has given all it has: what is rare in the
// data can't be seen in the query. want is how many matches the caller asks
// for, 0 for all, and back whether newest first.
func (d *docs) choose(op, collection string, q *storage.Expr, want int, back bool) (source, error) {
	if id, ok := q.ID(); ok {
		return source{id: id}, nil
	}
	found, err := d.candidates(collection, q)
	if err != nil || len(found) == 0 {
		return source{}, err
	}
	if len(found) == 1 && found[0].point() {
		return source{index: found[0].id, key: found[0].ranges[0].From}, nil
	}
	return d.gather(op, collection, q, found, want, back)
}

func (d *docs) gather(op, collection string, q *storage.Expr, found []candidate, want int, back bool) (source, error) {
	for limit := gatherFirst; limit <= gatherMost; limit *= gatherMore {
		for i := range found {
			seqs, all, err := d.entries(op, &found[i], limit)
			if err != nil {
				return source{}, err
			}
			if all {
				slices.Sort(seqs)
				return source{gathered: true, seqs: seqs}, nil
			}
		}
		if limit == gatherFirst*gatherMore && want > 0 {
			if near, err := d.near(op, collection, q, want, back); err != nil || near {
				return source{}, err
			}
		}
	}
	for i := range found {
		if found[i].point() {
			return source{index: found[i].id, key: found[i].ranges[0].From}, nil
		}
	}
	return source{}, nil
}

// entries returns the documents that an index gives, if they are no more than
// limit.
func (d *docs) entries(op string, c *candidate, limit int) (seqs []int64, all bool, err error) {
	for _, r := range c.ranges {
		args := []any{d.scope.App, c.id, d.scope.User, r.From, r.To, limit + 1 - len(seqs)}
		err := d.quickRows(op, entrySeqs, args, func(row []driver.Value) error {
			seqs = append(seqs, row[0].(int64))
			return nil
		})
		if err != nil || len(seqs) > limit {
			return nil, false, err
		}
	}
	return seqs, true, nil
}

// near reports whether a scan soon finds what is wanted.
func (d *docs) near(op, collection string, q *storage.Expr, want int, back bool) (bool, error) {
	tried, matched := 0, 0
	err := d.read(op, collection, source{}, 0, back, func(_ int64, body string) error {
		if tried++; q.Match(body) {
			matched++
		}
		if matched >= want || tried == headStart {
			return errStop
		}
		return nil
	})
	return matched >= want, ignoreStop(err)
}

// read calls fn with the documents of a source after seq, in order of
// insertion or backwards. fn still has to match them.
func (d *docs) read(op, collection string, from source, after int64, back bool, fn func(seq int64, body string) error) error {
	row := func(row []driver.Value) error { return fn(row[0].(int64), row[1].(string)) }
	switch {
	case from.id != "":
		return d.quickRows(op, docsByID, d.key(collection, from.id, after), row)
	case from.gathered:
		return d.readSeqs(op, collection, from.seqs, after, back, fn)
	case from.index != 0:
		query := entryDocs
		if back {
			query = entryDocsBack
		}
		return d.quickRows(op, query, []any{collection, d.scope.App, from.index, d.scope.User, from.key, after}, row)
	case back:
		return d.quickRows(op, docsBack, d.key(collection, after), row)
	}
	return d.quickRows(op, docsScan, d.key(collection, after), row)
}

func (d *docs) readSeqs(op, collection string, seqs []int64, after int64, back bool, fn func(seq int64, body string) error) error {
	start, found := slices.BinarySearch(seqs, after)
	if found {
		start++
	}
	seqs = seqs[start:]
	for i := range seqs {
		seq := seqs[i]
		if back {
			seq = seqs[len(seqs)-1-i]
		}
		row, err := d.row(op, docsBody, d.key(collection, seq)...)
		if err != nil {
			return err
		}
		if row == nil {
			continue // deleted by this transaction since it was gathered
		}
		if err := fn(seq, row[0].(string)); err != nil {
			return err
		}
	}
	return nil
}

// sortedBy returns the index that has a collection's documents in the order of
// a field, and where in it a query's matches are; ok is false if there is none.
func (d *docs) sortedBy(collection, field string, q *storage.Expr) (c candidate, ok bool, err error) {
	indexes, err := d.indexesOf(d.scope.App, collection)
	if err != nil {
		return c, false, err
	}
	i := slices.IndexFunc(indexes, func(x index) bool { return x.ready && x.field == field })
	if i < 0 {
		return c, false, nil
	}
	ranges, ok := q.IndexRanges(field)
	if !ok {
		ranges = []storage.IndexRange{{From: []byte{0}, To: []byte{0xff}}}
	}
	return candidate{indexes[i], few(ranges)}, true, nil
}

// scanSorted calls fn with the matches that a sorted find needs, in any order:
// all of them, or what an index in the order of that field has at the page and
// before it. The index is no help to a find of all matches, or of few, which
// another way finds sooner.
func (d *docs) scanSorted(op, collection string, q *storage.Expr, opt storage.FindOptions, fn func(seq int64, body string) error) error {
	_, byID := q.ID()
	if opt.Limit == 0 || byID {
		return d.scan(op, collection, q, 0, false, fn)
	}
	sorted, ok, err := d.sortedBy(collection, opt.Sort, q)
	if err != nil {
		return err
	}
	if !ok {
		return d.scan(op, collection, q, 0, false, fn)
	}
	found, err := d.candidates(collection, q)
	if err != nil {
		return err
	}
	for i := range found {
		seqs, all, err := d.entries(op, &found[i], gatherFirst*gatherMore)
		if err != nil {
			return err
		}
		if all {
			slices.Sort(seqs)
			return d.scanFrom(op, collection, q, source{gathered: true, seqs: seqs}, 0, false, fn)
		}
	}
	return d.walk(op, collection, sorted, q, opt.Offset+opt.Limit, opt.Desc, fn)
}

// walk calls fn with documents in the order of an index, or backwards, until
// it has been called with want matches and all that tie with the last of them:
// the order among those is for the caller to find.
func (d *docs) walk(op, collection string, c candidate, q *storage.Expr, want int, back bool, fn func(seq int64, body string) error) error {
	query := entryWalk
	if back {
		query = entryWalkBack
		slices.Reverse(c.ranges)
	}
	matched, stop := 0, false
	var last []byte
	for _, r := range c.ranges {
		args := []any{collection, d.scope.App, c.id, d.scope.User, r.From, r.To}
		err := d.quickRows(op, query, args, func(row []driver.Value) error {
			tie, exact := storage.IndexTie(row[0].([]byte))
			if stop = matched >= want && (exact || !bytes.Equal(tie, last)); stop {
				return errStop
			}
			body := row[2].(string)
			if !q.Match(body) {
				return nil
			}
			matched++
			last = append(last[:0], tie...)
			return fn(row[1].(int64), body)
		})
		if err != nil && err != errStop || stop {
			return ignoreStop(err)
		}
	}
	return nil
}

func matchesAll(q *storage.Expr) bool { return q.Op == storage.OpAnd && len(q.Sub) == 0 }

func ignoreStop(err error) error {
	if err == errStop {
		return nil
	}
	return err
}
