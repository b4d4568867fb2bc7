package postgres

import (
	"bytes"
	"math"
	"slices"

	"github.com/fazt-sh/fazt/storage"
)

// A find that an index narrows reads only the documents that the index gives,
// and still tries the query on each. Which index, is for [storage.ChoosePlan] to
// say. All that a find reads it reads page by page, each after the last row of the page
// before.
const (
	entrySeqs = `SELECT e.seq FROM index_entries e
		WHERE e.app = $1 AND e.index_id = $2 AND e."user" = $3 AND e.generation = $4 AND e.value >= $5 AND e.value < $6 LIMIT $7`

	// The body is of a query of its own, so that no statistics, or their want, can have the
	// documents read before the entries.
	entryBody = `(SELECT body FROM documents d WHERE d.app = e.app AND d."user" = e."user" AND d.collection = e.generation AND d.seq = e.seq)`
	ofEntries = ` FROM index_entries e WHERE e.app = $1 AND e.index_id = $2 AND e."user" = $3 AND e.generation = $4 `

	entryDocs     = `SELECT e.seq, ` + entryBody + ofEntries + `AND e.value = $5 AND e.seq > $6 ORDER BY e.seq LIMIT $7`
	entryDocsBack = `SELECT e.seq, ` + entryBody + ofEntries + `AND e.value = $5 AND e.seq < $6 ORDER BY e.seq DESC LIMIT $7`
	entryWalk     = `SELECT e.seq, ` + entryBody + `, e.value` + ofEntries +
		`AND (e.value, e.seq) > ($5, $6) AND e.value < $7 ORDER BY e.value, e.seq LIMIT $8`
	entryWalkBack = `SELECT e.seq, ` + entryBody + `, e.value` + ofEntries +
		`AND (e.value, e.seq) < ($5, $6) AND e.value >= $7 ORDER BY e.value DESC, e.seq DESC LIMIT $8`
)

const (
	// firstPage is how many documents a find reads at first, and pageBytes about how many
	// bytes it reads at a time later, of maxPage documents at most.
	firstPage, maxPage = 64, 4096
	pageBytes          = 512 << 10
)

// source says which documents of a collection a query can match: those of a
// plan that reads.
type source struct {
	storage.Plan
	seqs []int64 // of ReadEntries: the documents' numbers, in order of insertion
}

// documentFunc is called with the number and the text of a document.
type documentFunc = func(seq int64, body string) error

// pageRows is how many documents make a page.
func (d *docs) pageRows() int {
	c := d.collection
	if c.count == 0 {
		return firstPage
	}
	return min(maxPage, max(1, int(pageBytes/max(1, c.bytes/c.count))))
}

// choose follows plans until there is one that reads.
func (d *docs) choose(op string, q *storage.Expr, opt storage.FindOptions) (source, error) {
	known, err := d.statistics(op, q, opt)
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
			matches, err := d.try(op, q, opt, from.Limit)
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
func (d *docs) statistics(op string, q *storage.Expr, opt storage.FindOptions) (known storage.Statistics, err error) {
	if !storage.NeedsIndexes(q, opt) {
		return known, nil
	}
	indexes, err := d.indexesOf(op, d.collection.name)
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
		c := d.collection
		rows, err := d.q.rows(d.ctx, entrySeqs, []any{c.app, p.Index, c.user, c.generation, r.From, r.To, p.Limit + 1 - len(seqs)})
		if err != nil {
			return nil, false, wrap(op, err)
		}
		for i := range rows.rows {
			seqs = append(seqs, rows.int64(i, 0))
		}
		if len(seqs) > p.Limit {
			return nil, false, nil
		}
	}
	return seqs, true, nil
}

// try returns how many of the first limit documents match, and stops when they
// are enough for a find with these options.
func (d *docs) try(op string, q *storage.Expr, opt storage.FindOptions, limit int) (matches int, err error) {
	tried := 0
	err = d.scan(op, opt.Desc, func(_ int64, body string) error {
		if tried++; q.Match(body) {
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
func (d *docs) documents(op string, q *storage.Expr, opt storage.FindOptions, fn documentFunc) (err error) {
	defer d.finish(q, opt)
	from, err := d.choose(op, q, opt)
	if err != nil {
		return err
	}
	d.noteKey(q, opt, from)
	return d.documentsFrom(op, q, from, opt.Desc, fn)
}

// finish notes what a find has cost.
func (d *docs) finish(q *storage.Expr, opt storage.FindOptions) {
	d.store.writer.demand.Finish(d.collection.ofAll(), d.scope.User, q, opt, d.cost)
	d.cost.Read, d.cost.Matched = 0, 0
}

// documentsFrom calls fn with the documents of a source that match.
func (d *docs) documentsFrom(op string, q *storage.Expr, from source, back bool, fn documentFunc) error {
	return ignoreStop(d.readFrom(op, from, back, func(seq int64, body string) error {
		if !q.Match(body) {
			return nil
		}
		d.cost.Matched++
		return fn(seq, body)
	}))
}

// readFrom calls fn with the documents of a source that can match, in order of insertion
// or backwards. fn still has to match them.
func (d *docs) readFrom(op string, from source, back bool, fn documentFunc) error {
	if d.collection.generation == 0 {
		return nil
	}
	d.use(from)
	switch from.Access {
	case storage.ReadID:
		rows, err := d.q.rows(d.ctx, docsByID, d.key(from.ID))
		if err != nil {
			return wrap(op, err)
		}
		return d.eachDocument(rows, fn)
	case storage.ReadEntries:
		return d.readSeqs(op, from.seqs, back, fn)
	case storage.ReadKey:
		c := d.collection
		query := entryDocs
		if back {
			query = entryDocsBack
		}
		return d.pages(op, back, fn, func(after int64, limit int) (*rowBuffer, error) {
			return d.q.rows(d.ctx, query, []any{c.app, from.Index, c.user, c.generation, from.Ranges[0].From, after, limit})
		})
	}
	return d.scan(op, back, fn)
}

// scan calls fn with all documents, in order of insertion or backwards.
func (d *docs) scan(op string, back bool, fn documentFunc) error {
	if d.collection.generation == 0 {
		return nil
	}
	query := docsScan
	if back {
		query = docsBack
	}
	return d.pages(op, back, fn, func(after int64, limit int) (*rowBuffer, error) {
		return d.q.rows(d.ctx, query, d.key(after, limit))
	})
}

// pages calls fn with the documents that read returns after a number, or before it, until
// there are no more.
func (d *docs) pages(op string, back bool, fn documentFunc, read func(after int64, limit int) (*rowBuffer, error)) error {
	after, page := int64(0), d.pageRows()
	if back {
		after = math.MaxInt64
	}
	return d.pagesAfter(op, after, min(page, firstPage), page, fn, read)
}

func (d *docs) pagesAfter(op string, after int64, first, page int, fn documentFunc, read func(after int64, limit int) (*rowBuffer, error)) error {
	for limit := first; ; limit = page {
		rows, err := read(after, limit)
		if err != nil {
			return wrap(op, err)
		}
		if err := d.eachDocument(rows, fn); err != nil {
			return err
		}
		if len(rows.rows) < limit {
			return nil
		}
		after = rows.int64(len(rows.rows)-1, 0)
	}
}

// paceRows is after how many documents others may go on.
const paceRows = 512

// eachDocument calls fn with the documents of a page.
func (d *docs) eachDocument(rows *rowBuffer, fn documentFunc) error {
	for i := range rows.rows {
		if i%paceRows == 0 {
			if err := d.pace(); err != nil {
				return err
			}
		}
		d.cost.Read++
		if err := fn(rows.int64(i, 0), rows.text(i, 1)); err != nil {
			return err
		}
	}
	return nil
}

func (d *docs) readSeqs(op string, seqs []int64, back bool, fn documentFunc) error {
	for page := d.pageRows(); len(seqs) > 0; {
		n := min(page, len(seqs))
		part := seqs[:n]
		if back {
			part = slices.Clone(seqs[len(seqs)-n:])
			slices.Reverse(part)
			seqs = seqs[:len(seqs)-n]
		} else {
			seqs = seqs[n:]
		}
		bodies, err := d.bodies(op, part)
		if err != nil {
			return err
		}
		for _, seq := range part {
			body, ok := bodies[seq]
			if !ok {
				continue // deleted by this transaction since its entry was counted
			}
			d.cost.Read++
			if err := fn(seq, body); err != nil {
				return err
			}
		}
	}
	return nil
}

// use notes that an index is in use.
func (d *docs) use(from source) {
	switch from.Access {
	case storage.ReadKey, storage.ReadEntries, storage.ReadOrder:
		d.store.writer.demand.Use(from.Index)
	}
}

// scanSorted calls fn with the matches that a sorted find needs: all of them, or what an
// index in the order of that field has at the page and before it. Those that are
// equal in that field come in the order of the find.
func (d *docs) scanSorted(op string, q *storage.Expr, opt storage.FindOptions, fn documentFunc) (err error) {
	defer d.finish(q, opt)
	from, err := d.choose(op, q, opt)
	if err != nil {
		return err
	}
	if from.Access == storage.ReadOrder {
		d.use(from)
		d.noteKey(q, opt, from)
		return d.walk(op, from.Plan, q, opt, fn)
	}
	return d.documentsFrom(op, q, from, opt.Desc, fn)
}

// walk calls fn with documents in the order of an index, or backwards, until
// it has been called with the matches of the page, those before it, and all that
// tie with the last of them: the order among those is for the caller to find.
func (d *docs) walk(op string, p storage.Plan, q *storage.Expr, opt storage.FindOptions, fn documentFunc) error {
	if d.collection.generation == 0 {
		return nil
	}
	if opt.Desc {
		slices.Reverse(p.Ranges)
	}
	want, matched := opt.Offset+opt.Limit, 0
	var last []byte
	for _, r := range p.Ranges {
		err := d.walkRange(op, p.Index, r, opt.Desc, func(key []byte, seq int64, body string) error {
			tie, exact := storage.IndexTie(key)
			if matched >= want && (exact || !bytes.Equal(tie, last)) {
				return errStop
			}
			d.cost.Read++
			if !q.Match(body) {
				return nil
			}
			matched++
			d.cost.Matched++
			last = append(last[:0], tie...)
			return fn(seq, body)
		})
		if err != nil {
			return ignoreStop(err)
		}
	}
	return nil
}

// walkRange calls fn with the documents of a range of an index, in its order or backwards.
func (d *docs) walkRange(op string, index int64, r storage.IndexRange, back bool, fn func(key []byte, seq int64, body string) error) error {
	c := d.collection
	query, key, end, seq := entryWalk, r.From, r.To, int64(-1)
	if back {
		query, key, end = entryWalkBack, r.To, r.From
	}
	for limit := min(firstPage, d.pageRows()); ; limit = d.pageRows() {
		rows, err := d.q.rows(d.ctx, query, []any{c.app, index, c.user, c.generation, key, seq, end, limit})
		if err != nil {
			return wrap(op, err)
		}
		for i := range rows.rows {
			key, seq = rows.rows[i][2], rows.int64(i, 0)
			if err := fn(key, seq, rows.text(i, 1)); err != nil {
				return err
			}
		}
		if err := d.pace(); err != nil {
			return err
		}
		if len(rows.rows) < limit {
			return nil
		}
	}
}
