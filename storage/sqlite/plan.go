package sqlite

import (
	"bytes"
	"database/sql/driver"
	"slices"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/demand"
)

// A find that an index narrows reads only the documents that the index gives,
// and still tries the query on each. Which index, is for [storage.ChoosePlan] to
// say. The statements name every column of the entries' key and fix the order of
// the join, so that SQLite has nothing to choose. Entries of documents that were
// cleared and are still to be swept have lower numbers than the collection's
// generation, and are passed over.
var (
	entryDocs = steady(`SELECT d.seq, d.body FROM index_entries e CROSS JOIN documents d
		ON d.app = e.app AND d.user = e.user AND d.collection = ? AND d.seq = e.seq
		WHERE e.app = ? AND e.index_id = ? AND e.user = ? AND e.value = ? AND e.seq > ? ORDER BY e.seq`)
	entryDocsBack = entryDocs + ` DESC`

	entrySeqs = steady(`SELECT e.seq FROM index_entries e
		WHERE e.app = ? AND e.index_id = ? AND e.user = ? AND e.value >= ? AND e.value < ? AND e.seq > ? LIMIT ?`)
	entryOrder = steady(`SELECT e.value, d.seq, d.body FROM index_entries e CROSS JOIN documents d
		ON d.app = e.app AND d.user = e.user AND d.collection = ? AND d.seq = e.seq
		WHERE e.app = ? AND e.index_id = ? AND e.user = ? AND e.value >= ? AND e.value < ? AND e.seq > ? ORDER BY `)
	entryWalk     = entryOrder + `e.value, e.seq`
	entryWalkBack = entryOrder + `e.value DESC, e.seq DESC`
)

// source says which documents of a collection a query can match: those of a
// plan that reads.
type source struct {
	storage.Plan
	seqs []int64 // of ReadEntries: the documents' numbers, in order of insertion
}

// choose follows plans until there is one that reads.
func (d *docs) choose(op, collection string, q *storage.Expr, opt storage.FindOptions) (source, error) {
	known, err := d.statistics(collection, q, opt)
	if err != nil {
		return source{}, err
	}
	var from source
	for {
		from.Plan = storage.ChoosePlan(q, opt, known)
		switch from.Access {
		case storage.CountEntries:
			seqs, all, err := d.entries(op, from.Plan)
			if err != nil {
				return source{}, err
			}
			known.Count(from.Plan, len(seqs), all)
			from.seqs = seqs
		case storage.TryAll:
			matches, err := d.try(op, collection, q, opt, from.Limit)
			if err != nil {
				return source{}, err
			}
			known.Try(matches)
		case storage.ReadEntries:
			slices.Sort(from.seqs)
			return from, nil
		default:
			return from, nil
		}
	}
}

// statistics are the indexes that could help a find.
func (d *docs) statistics(collection string, q *storage.Expr, opt storage.FindOptions) (known storage.Statistics, err error) {
	if !storage.NeedsIndexes(q, opt) {
		return known, nil
	}
	indexes, err := d.indexesOf(d.scope.App, collection)
	for _, x := range indexes {
		if x.ready {
			known.Indexes = append(known.Indexes, storage.IndexStatistics{ID: x.id, Field: x.field})
		}
	}
	return known, err
}

// entries returns the documents that a plan's entries lead to, if they are no
// more than its limit.
func (d *docs) entries(op string, p storage.Plan) (seqs []int64, all bool, err error) {
	for _, r := range p.Ranges {
		args := []any{d.scope.App, p.Index, d.scope.User, r.From, r.To, firstSeq(d.generation), p.Limit + 1 - len(seqs)}
		err := d.quickRows(op, entrySeqs, args, func(row []driver.Value) error {
			seqs = append(seqs, row[0].(int64))
			return nil
		})
		if err != nil || len(seqs) > p.Limit {
			return nil, false, err
		}
	}
	return seqs, true, nil
}

// try returns how many of the first limit documents match, and stops when they
// are enough for a find with these options.
func (d *docs) try(op, collection string, q *storage.Expr, opt storage.FindOptions, limit int) (matches int, err error) {
	tried := 0
	err = d.scanAll(op, collection, 0, opt.Desc, nil, func(doc *document) error {
		if tried++; q.Match(doc.body) {
			matches++
		}
		if matches >= opt.Offset+opt.Limit || tried == limit {
			return errStop
		}
		return nil
	})
	return matches, ignoreStop(err)
}

// documents calls fn with the documents that match, in order of insertion or
// backwards.
func (d *docs) documents(op, collection string, q *storage.Expr, opt storage.FindOptions, fn func(*document) error) (err error) {
	defer d.finish(collection, q, opt, &err)
	from, err := d.choose(op, collection, q, opt)
	if err != nil {
		return err
	}
	if err := d.noteKey(op, collection, q, opt, from); err != nil {
		return err
	}
	return d.documentsFrom(op, collection, q, from, 0, opt.Desc, fn)
}

// finish notes what a find has cost.
func (d *docs) finish(collection string, q *storage.Expr, opt storage.FindOptions, err *error) {
	cost := d.cost
	d.cost = demand.Cost{}
	if known := d.demand(); known != nil && *err != errGiveWay {
		known.Finish(d.asked(collection), d.scope.User, q, opt, cost)
	}
}

// asked names a collection in what was asked of it.
func (d *docs) asked(collection string) demand.Collection {
	return demand.Collection{App: d.scope.App, Name: collection}
}

// documentsFrom calls fn with the documents of a source after a number that match.
func (d *docs) documentsFrom(op, collection string, q *storage.Expr, from source, after int64, back bool, fn func(*document) error) error {
	return ignoreStop(d.readFrom(op, collection, q, from, after, back, func(doc *document) error {
		if !q.Match(doc.body) {
			return nil
		}
		d.cost.Matched++
		return fn(doc)
	}))
}

// scanFrom is documentsFrom for those who need each one's number.
func (d *docs) scanFrom(op, collection string, q *storage.Expr, from source, after int64, back bool, fn func(seq int64, body string) error) error {
	return d.documentsFrom(op, collection, q, from, after, back, numbered(fn))
}

func numbered(fn func(seq int64, body string) error) func(*document) error {
	return func(doc *document) error {
		seq, err := doc.number()
		if err != nil {
			return err
		}
		return fn(seq, doc.body)
	}
}

// read calls fn with all documents of a source after a number.
func (d *docs) read(op, collection string, from source, after int64, back bool, fn func(seq int64, body string) error) error {
	return d.readFrom(op, collection, &storage.Expr{Op: storage.OpAnd}, from, after, back, numbered(fn))
}

// readFrom calls fn with the documents of a source after a number that can match, in
// order of insertion or backwards. fn still has to match them.
func (d *docs) readFrom(op, collection string, q *storage.Expr, from source, after int64, back bool, fn func(*document) error) error {
	doc := &document{}
	row := func(row []driver.Value) error {
		d.cost.Read++
		doc.seq, doc.body = row[0].(int64), row[1].(string)
		return fn(doc)
	}
	d.use(from)
	switch from.Access {
	case storage.ReadID:
		return d.quickRows(op, docsByID, d.key(collection, from.ID, after), row)
	case storage.ReadEntries:
		return d.readSeqs(op, collection, from.seqs, after, back, fn)
	case storage.ReadKey:
		query := entryDocs
		if back {
			query = entryDocsBack
		}
		after = max(after, firstSeq(d.generation))
		return d.quickRows(op, query, []any{d.generation, d.scope.App, from.Index, d.scope.User, from.Ranges[0].From, after}, row)
	}
	return d.scanAll(op, collection, after, back, storage.NewFinder(q), fn)
}

func (d *docs) readSeqs(op, collection string, seqs []int64, after int64, back bool, fn func(*document) error) error {
	start, found := slices.BinarySearch(seqs, after)
	if found {
		start++
	}
	seqs = seqs[start:]
	doc := &document{}
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
			continue // deleted by this transaction since its entry was counted
		}
		d.cost.Read++
		doc.seq, doc.body = seq, row[0].(string)
		if err := d.pace(rowWork + len(doc.body)); err != nil {
			return err
		}
		if err := fn(doc); err != nil {
			return err
		}
	}
	return nil
}

// use notes that an index is in use.
func (d *docs) use(from source) {
	if known := d.demand(); known != nil && (from.Access == storage.ReadKey || from.Access == storage.ReadEntries || from.Access == storage.ReadOrder) {
		known.Use(from.Index)
	}
}

// scanSorted calls fn with the matches that a sorted find needs: all of them, or what an
// index in the order of that field has at the page and before it. Those that are
// equal in that field come in the order of the find.
func (d *docs) scanSorted(op, collection string, q *storage.Expr, opt storage.FindOptions, fn func(*document) error) (err error) {
	defer d.finish(collection, q, opt, &err)
	from, err := d.choose(op, collection, q, opt)
	if err != nil {
		return err
	}
	if from.Access == storage.ReadOrder {
		if err := d.noteKey(op, collection, q, opt, from); err != nil {
			return err
		}
		d.use(from)
		return d.walk(op, collection, from.Plan, q, opt, fn)
	}
	return d.documentsFrom(op, collection, q, from, 0, opt.Desc, fn)
}

// walk calls fn with documents in the order of an index, or backwards, until
// it has been called with the matches of the page, those before it, and all that
// tie with the last of them: the order among those is for the caller to find.
func (d *docs) walk(op, collection string, p storage.Plan, q *storage.Expr, opt storage.FindOptions, fn func(*document) error) error {
	query := entryWalk
	if opt.Desc {
		query = entryWalkBack
		slices.Reverse(p.Ranges)
	}
	want, matched, stop := opt.Offset+opt.Limit, 0, false
	var last []byte
	doc := &document{}
	for _, r := range p.Ranges {
		args := []any{d.generation, d.scope.App, p.Index, d.scope.User, r.From, r.To, firstSeq(d.generation)}
		err := d.quickRows(op, query, args, func(row []driver.Value) error {
			tie, exact := storage.IndexTie(row[0].([]byte))
			if stop = matched >= want && (exact || !bytes.Equal(tie, last)); stop {
				return errStop
			}
			doc.seq, doc.body = row[1].(int64), row[2].(string)
			d.cost.Read++
			if !q.Match(doc.body) {
				return nil
			}
			matched++
			d.cost.Matched++
			last = append(last[:0], tie...)
			return fn(doc)
		})
		if err != nil && err != errStop || stop {
			return ignoreStop(err)
		}
	}
	return nil
}

func ignoreStop(err error) error {
	if err == errStop {
		return nil
	}
	return err
}
