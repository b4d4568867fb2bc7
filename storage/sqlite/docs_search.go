package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/demand"
)

// An update or a delete by query reads what it needs to on a reader, so that it
// keeps no other write waiting, and happens at one moment all the same, that of its
// transaction on the writer:
//
//  1. On the writer, an operation with much to read opens a change log of the collection,
//     with the number of each document that is inserted or changed from then on, and its
//     transaction is undone.
//  2. A snapshot that was taken after that is searched for matches.
//  3. On the writer, the transaction runs again. What matches now is among what matched
//     in the snapshot and in the change log: each of these documents is read, and
//     the query tried on it.
//
// That holds for what the transaction itself has written before the operation, too.
// When too much has changed, or another process has written, whose changes are in
// no log, the search is made again.
const (
	// directUnits is how much a transaction reads on the writer at most in order to
	// find matches, in units of work: a few milliseconds.
	directUnits = 2000
	// maxNoted is how many changes a log keeps.
	maxNoted = 4096
	// maxSearches is how often one operation is searched for, and maxSearched for how
	// many of them one transaction has a search.
	maxSearches, maxSearched = 4, 16
	// foreignUnits is what may be read on the writer after maxSearches: another process
	// writes all the time.
	foreignUnits = 20_000

	// maxHold is how long a transaction may write what it finds by query.
	maxHold = 50 * time.Millisecond
	// What a unit of work takes on the writer is measured. Within these bounds, of small
	// documents at least 2,000 are always admitted, and more than 25,000 never.
	minUnit, firstUnit, maxUnit = 2 * time.Microsecond, 10 * time.Microsecond, 25 * time.Microsecond
	// maxMatches are more than are ever admitted.
	maxMatches = int(maxHold/minUnit) + 1
	// minMeasured is how many units of work are measured at least.
	minMeasured = 64
)

// units is the work that documents make: one for each, and for each KiB.
func units(count int, bytes int64) int64 { return int64(count) + bytes>>10 }

// match is a document that matched when it was looked at. One without a body is
// still to be read, and tried again.
type match struct {
	seq  int64
	body string
}

// matches are those of one operation, in order of insertion.
type matches struct {
	list  []match // maxMatches at most
	count int     // of all of them
	bytes int64
}

func (m *matches) add(seq int64, body string) {
	if len(m.list) < maxMatches {
		m.list = append(m.list, match{seq: seq})
	}
	m.count++
	m.bytes += int64(len(body))
}

// changeLog is of one collection. Only the writer touches it, except for closed.
type changeLog struct {
	key     collectionKey
	version int64 // of the database, as far as other processes change it
	changed []int64
	lost    bool        // something has changed that is not in it
	closed  atomic.Bool // whoever opened it has no more use for it
}

// changeLogs are the open ones of a writer.
type changeLogs struct{ open []*changeLog }

func (l *changeLogs) add(n *changeLog) {
	l.open = slices.DeleteFunc(l.open, func(n *changeLog) bool { return n.closed.Load() })
	l.open = append(l.open, n)
}

func (l *changeLogs) note(key collectionKey, seq int64) {
	for _, n := range l.open {
		if n.key != key || n.closed.Load() {
			continue
		}
		if len(n.changed) >= maxNoted {
			n.lost, n.changed = true, nil
		}
		if !n.lost {
			n.changed = append(n.changed, seq)
		}
	}
}

// lose is for what changes documents and does not note them.
func (l *changeLogs) lose() {
	for _, n := range l.open {
		n.lost = true
	}
}

// noteChange notes a document that was written.
func (d *docs) noteChange(collection string, seq int64) {
	if len(d.tx.w.changeLogs.open) > 0 {
		d.tx.w.changeLogs.note(collectionKey{d.scope.App, d.scope.User, collection}, seq)
	}
}

// search is one operation's.
type search struct {
	op         string
	collection string
	query      string
	log        *changeLog
	found      matches
	times      int // that it was made
}

// searches are those of one transaction. The caller and the writer take turns with
// them.
type searches struct{ list []*search }

func (s *searches) get(collection, query string) *search {
	for _, x := range s.list {
		if x.collection == collection && x.query == query {
			return x
		}
	}
	return nil
}

func (s *searches) close() {
	for _, x := range s.list {
		x.log.closed.Store(true)
	}
}

// searchFirst is what a transaction fails with that is to run again after a search.
type searchFirst struct{ *search }

func (e *searchFirst) Error() string { return "matches of a query are to be searched for first" }

// transact runs fn in a write transaction, as often as there is something to search
// for first.
func (s *Store) transact(ctx context.Context, op string, scope storage.Scope, fn func(storage.Tx) error) error {
	var made searches
	defer made.close()
	for {
		err := s.writer.do(ctx, scope.App, op, func(tx *writeTx) error {
			tx.missing, tx.read, tx.held = nil, 0, 0
			err := fn(&scopeTx{session: session{ctx, tx.conn, tx}, scope: scope, searches: &made})
			if tx.missing != nil {
				return &searchFirst{tx.missing}
			}
			return err
		})
		first, ok := err.(*searchFirst)
		if !ok {
			return err
		}
		if err := s.search(ctx, scope, first.search); err != nil {
			return err
		}
		if s.searched != nil {
			s.searched()
		}
		if !slices.Contains(made.list, first.search) {
			made.list = append(made.list, first.search)
		}
	}
}

// search looks for the matches in a snapshot, or in several, one after the other: a
// document is the same in all of them, or in the change log.
func (s *Store) search(ctx context.Context, scope storage.Scope, x *search) error {
	x.found = matches{}
	return s.searchAfter(ctx, scope, x.op, x.collection, json.RawMessage(x.query), 0, func(_ *docs, seq int64, body string) error {
		x.found.add(seq, body)
		return nil
	})
}

// searchAfter calls fn with the documents after a number that match, in order of
// insertion. Where a snapshot is ended the next one goes on.
func (s *Store) searchAfter(ctx context.Context, scope storage.Scope, op, collection string, query json.RawMessage, after int64,
	fn func(d *docs, seq int64, body string) error,
) error {
	d := &docs{session: session{ctx: ctx}, scope: scope}
	find := func() (err error) {
		defer d.blame(op, &err)
		d.reached = nil // to choose may take looking at documents
		q, err := d.parse(op, collection, query)
		if err != nil {
			return err
		}
		defer d.finish(collection, q, storage.FindOptions{}, &err)
		from, err := d.choose(op, collection, q, storage.FindOptions{})
		if err != nil {
			return err
		}
		d.reached = &after
		return d.scanFrom(op, collection, q, from, after, false, func(seq int64, body string) error {
			if err := fn(d, seq, body); err != nil {
				return err
			}
			d.reach(seq)
			return nil
		})
	}
	return d.snapshot(s.readers, op, scope.App, func() error { return d.resumable(op, &after, find) })
}

// matches returns what may match, with all that does among it, unless that would take
// longer to write than a transaction may. It is the first thing that an operation does,
// so that nothing of it is to be undone.
func (d *docs) matches(op, collection string, query json.RawMessage, q *storage.Expr) (*matches, error) {
	if d.tx.missing != nil {
		return nil, &searchFirst{d.tx.missing}
	}
	if id, ok := q.ID(); ok {
		return d.matchID(op, collection, id, q)
	}
	x := d.searches.get(collection, string(query))
	found := &matches{}
	if x == nil {
		ok, err := d.direct(op, collection, q, directUnits, found)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, d.searchFirst(op, collection, string(query))
		}
	} else {
		version, err := d.dataVersion(op)
		if err != nil {
			return nil, err
		}
		if !x.log.lost && x.log.version == version {
			found = x.found.with(x.log.changed)
		} else if x.times < maxSearches {
			return nil, d.searchAgain(x, version)
		} else if ok, err := d.direct(op, collection, q, foreignUnits, found); err != nil || !ok {
			return nil, d.busy(op, err)
		}
	}
	return found, d.tx.admit(op, found)
}

// matchID is matches for one document, which is read and written as quickly as one is
// inserted.
func (d *docs) matchID(op, collection, id string, q *storage.Expr) (*matches, error) {
	found := &matches{}
	err := d.quickRows(op, docsByID, d.key(collection, id, 0), func(row []driver.Value) error {
		if body, _ := row[1].(string); q.Match(body) {
			found.list = append(found.list, match{row[0].(int64), body})
		}
		return nil
	})
	return found, err
}

func (d *docs) busy(op string, err error) error {
	if err != nil {
		return err
	}
	return &storage.Error{Code: storage.CodeOverloaded, Op: op, Msg: "the collection was written to while it was searched",
		Hint: "try again, or index the fields that the query names"}
}

// with adds what has changed.
func (m *matches) with(changed []int64) *matches {
	if len(changed) == 0 {
		return m
	}
	both := *m
	both.list = slices.Clone(m.list)
	for _, seq := range changed {
		both.list = append(both.list, match{seq: seq})
	}
	slices.SortFunc(both.list, func(a, b match) int { return int(a.seq - b.seq) })
	both.list = slices.CompactFunc(both.list, func(a, b match) bool { return a.seq == b.seq })
	return &both
}

// searchFirst has the transaction undone, and run again after a search.
func (d *docs) searchFirst(op, collection, query string) error {
	if len(d.searches.list) >= maxSearched {
		return &storage.Error{Code: storage.CodeTooManyMatches, Op: op,
			Msg:  fmt.Sprintf("more than %d queries of one transaction have many documents to search", maxSearched),
			Hint: "name the documents by id, index the fields that the queries name, or make the writes one by one"}
	}
	version, err := d.dataVersion(op)
	if err != nil {
		return err
	}
	return d.searchAgain(&search{op: op, collection: collection, query: query}, version)
}

func (d *docs) searchAgain(x *search, version int64) error {
	if x.log != nil {
		x.log.closed.Store(true)
	}
	x.log = &changeLog{key: collectionKey{d.scope.App, d.scope.User, x.collection}, version: version}
	x.times++
	d.tx.w.changeLogs.add(x.log)
	d.tx.missing = x
	return &searchFirst{x}
}

// dataVersion is another one when another process has written since
// (https://www.sqlite.org/pragma.html#pragma_data_version).
func (d *docs) dataVersion(op string) (int64, error) {
	row, err := d.row(op, "PRAGMA data_version")
	if err != nil {
		return 0, err
	}
	return row[0].(int64), nil
}

// direct finds the matches on the writer, if that takes no more than limit units of
// reading.
func (d *docs) direct(op, collection string, q *storage.Expr, limit int64, found *matches) (ok bool, err error) {
	defer func() {
		if ok { // or the search is what counts
			d.finish(collection, q, storage.FindOptions{}, &err)
		}
		d.cost = demand.Cost{}
	}()
	from, ok, err := d.chooseDirect(op, collection, q, limit)
	if err != nil || !ok {
		return false, err
	}
	err = d.read(op, collection, from, 0, false, func(seq int64, body string) error {
		if d.tx.read += units(1, int64(len(body))); d.tx.read > limit {
			ok = false
			return errStop
		}
		if q.Match(body) {
			found.list = append(found.list, match{seq, body})
			found.count++
			found.bytes += int64(len(body))
		}
		return nil
	})
	if err = ignoreStop(err); err != nil || !ok {
		*found = matches{}
		return false, err
	}
	return true, nil
}

// chooseDirect is choose where little may be read.
func (d *docs) chooseDirect(op, collection string, q *storage.Expr, limit int64) (from source, ok bool, err error) {
	count, bytes, err := d.size(op, collection)
	if err != nil {
		return from, false, err
	}
	if d.tx.read+units(count, bytes) <= limit {
		return from, true, nil
	}
	known, err := d.statistics(collection, q, storage.FindOptions{})
	if err != nil {
		return from, false, err
	}
	for {
		from.Plan = storage.ChoosePlan(q, storage.FindOptions{}, known)
		switch from.Access {
		case storage.CountEntries:
			if int64(from.Limit) > limit {
				return from, false, nil
			}
			seqs, all, err := d.entries(op, from.Plan)
			if err != nil {
				return from, false, err
			}
			known.Count(from.Plan, len(seqs), all)
			from.seqs = seqs
		case storage.ReadEntries:
			slices.Sort(from.seqs)
			return from, true, nil
		case storage.ReadKey:
			return from, true, nil
		default:
			return from, false, nil
		}
	}
}

// admit refuses what would keep other writes waiting for too long.
func (tx *writeTx) admit(op string, found *matches) error {
	hold := time.Duration(units(found.count, found.bytes)) * tx.w.unit()
	if tx.held+hold <= maxHold {
		tx.held += hold
		return nil
	}
	return &storage.Error{Code: storage.CodeTooManyMatches, Op: op, Count: found.count,
		Msg: fmt.Sprintf("%d documents match, and to write them at once would keep all other writes waiting for about %v",
			found.count, (tx.held + hold).Round(time.Millisecond)),
		Hint: "use the option {chunks: true}, in Go InChunks, which writes them in many short transactions"}
}

// unit is what a unit of work takes.
func (w *writer) unit() time.Duration { return min(max(w.unitTime, minUnit), maxUnit) }

// observeUnits smooths what a unit of work takes, as observe does.
func (w *writer) observeUnits(n int64, took time.Duration) {
	if n >= minMeasured {
		w.unitTime += (took/time.Duration(n) - w.unitTime) / 8
	}
}

// writeAll writes the matches, all or none.
func (d *docs) writeAll(op, collection string, q *storage.Expr, found *matches, write writeFunc) (int, error) {
	n, _, err := d.writeEach(op, collection, q, found.list, 0, write)
	return n, err
}

// writeEach reads and tries those that may have changed, and writes what matches. If
// limit is not 0 it stops when that time has passed. It returns how many it wrote, and
// how many of the list it is done with.
func (d *docs) writeEach(op, collection string, q *storage.Expr, list []match, limit time.Duration, write writeFunc) (n, done int, err error) {
	start, work := time.Now(), int64(0)
	for _, m := range list {
		if limit > 0 && done > 0 && time.Since(start) > limit {
			break
		}
		done++
		if m.body == "" {
			row, err := d.row(op, docsBody, d.key(collection, m.seq)...)
			if err != nil {
				return 0, 0, d.partial(n, err)
			}
			if row == nil {
				continue
			}
			m.body, _ = row[0].(string)
			if !q.Match(m.body) {
				continue
			}
		}
		if err := write(m); err != nil {
			return 0, 0, d.partial(n, err)
		}
		n++
		work += units(1, int64(len(m.body)))
	}
	d.tx.w.observeUnits(work, time.Since(start))
	return n, done, nil
}

// partial is for an error after n documents were written: half of an update is none.
func (d *docs) partial(n int, err error) error {
	if n > 0 {
		d.tx.fail(err)
	}
	return err
}
