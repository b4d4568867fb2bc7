package postgres

import (
	"fmt"
	"slices"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

// An update or a delete by query searches for its matches in the transaction that writes
// them, which has the app's turn: nothing else of the app is written meanwhile, so it all
// happens at one moment. One that has much to read would keep the other apps of its batch
// waiting, too: it is undone, and run again in a transaction of its own, beside the lanes.
const (
	// directUnits is how much a transaction in a lane reads at most in order to find
	// matches, in units of work: a few milliseconds.
	directUnits = 2000
	// maxSearched is how many operations of a transaction may have more to read.
	maxSearched = 16

	// maxHold is how long a transaction may write what it finds by query.
	maxHold = 50 * time.Millisecond
	// What a unit of work takes is measured. Within these bounds, of small documents at
	// least 2,000 are always admitted, and more than 25,000 never.
	minUnit, firstUnit, maxUnit = 2 * time.Microsecond, 10 * time.Microsecond, 25 * time.Microsecond
	// maxMatches are more than are ever admitted.
	maxMatches = int(maxHold/minUnit) + 1
	// minMeasured is how many units of work are measured at least.
	minMeasured = 64
	// writeRows is how many matches are written between looks at the context.
	writeRows = 256
)

// units is the work that documents make: one for each, and for each KiB.
func units(count, bytes int64) int64 { return count + bytes>>10 }

// match is a document that matches. Of more than are admitted only the number is kept.
type match struct {
	seq  int64
	body string
}

// matches are those of one operation, in order of insertion.
type matches struct {
	list  []match // while they may be admitted
	count int     // of all of them
	bytes int64
}

func (m *matches) add(seq int64, body string) {
	m.count++
	m.bytes += int64(len(body))
	if units(int64(m.count), m.bytes) <= int64(maxMatches) || m.count == 1 {
		m.list = append(m.list, match{seq, body})
	} else {
		m.list = nil
	}
}

// matches returns what matches, unless that would take longer to write than a
// transaction may. It is the first thing that an operation does, so that nothing of it is
// to be undone.
func (d *docs) matches(op string, q *storage.Expr) (*matches, error) {
	found := &matches{}
	defer d.finish(q, storage.FindOptions{})
	_, byID := q.ID()
	from, err := d.chooseMatches(op, q)
	if err != nil {
		return nil, err
	}
	err = d.documentsFrom(op, q, from, false, func(seq int64, body string) error {
		found.add(seq, body)
		return nil
	})
	if err != nil {
		return nil, wrap(op, err)
	}
	if byID { // one document is written as quickly as one is inserted
		return found, nil
	}
	return found, d.tx.admit(op, found.count, found.bytes)
}

// chooseMatches is choose for what may be read in the transaction at hand.
func (d *docs) chooseMatches(op string, q *storage.Expr) (source, error) {
	tx, c := d.tx, d.collection
	if _, byID := q.ID(); byID {
		return d.choose(op, q, storage.FindOptions{})
	}
	if all := units(c.count, c.bytes); tx.read+all <= directUnits {
		tx.read += all
		return source{}, nil
	}
	from, small, err := d.chooseSmall(op, q)
	if err != nil || small {
		return from, err
	}
	if !tx.b.alone {
		tx.long = true
		return source{}, errLong
	}
	if tx.searched++; tx.searched > maxSearched {
		return source{}, &storage.Error{Code: storage.CodeTooManyMatches, Op: op,
			Msg:  fmt.Sprintf("more than %d queries of one transaction have many documents to search", maxSearched),
			Hint: "name the documents by id, index the fields that the queries name, or make the writes one by one"}
	}
	return d.choose(op, q, storage.FindOptions{})
}

// chooseSmall is choose where an index gives little to read.
func (d *docs) chooseSmall(op string, q *storage.Expr) (from source, small bool, err error) {
	known, err := d.statistics(op, q, storage.FindOptions{})
	if err != nil {
		return from, false, err
	}
	for _, x := range known.Indexes {
		ranges, ok := q.IndexRanges(x.Field)
		if !ok || len(ranges) > directUnits/10 {
			continue
		}
		p := storage.Plan{Access: storage.ReadEntries, Index: x.ID, Ranges: ranges, Limit: directUnits / 4}
		seqs, all, err := d.entries(op, p)
		if err != nil {
			return from, false, err
		}
		if all {
			slices.Sort(seqs)
			d.tx.read += int64(len(seqs))
			return source{Plan: p, seqs: seqs}, true, nil
		}
	}
	return from, false, nil
}

// admit refuses what would keep the app's other writes waiting for too long.
func (tx *writeTx) admit(op string, count int, bytes int64) error {
	hold := time.Duration(units(int64(count), bytes)) * tx.w.unit()
	if tx.held+hold <= maxHold {
		tx.held += hold
		return nil
	}
	return &storage.Error{Code: storage.CodeTooManyMatches, Op: op, Count: count,
		Msg: fmt.Sprintf("%d documents match, and to write them at once would keep all other writes waiting for about %v",
			count, (tx.held + hold).Round(time.Millisecond)),
		Hint: "use the option {chunks: true}, in Go InChunks, which writes them in many short transactions"}
}

// unit is what a unit of work takes.
func (w *writer) unit() time.Duration {
	return min(max(time.Duration(w.unitTime.Load()), minUnit), maxUnit)
}

// observeUnits smooths what a unit of work takes, as of 8.
func (w *writer) observeUnits(n int64, took time.Duration) {
	if n >= minMeasured {
		before := w.unitTime.Load()
		w.unitTime.Store(before + (int64(took)/n-before)/8)
	}
}

// writeAll writes the matches, all or none.
func (d *docs) writeAll(op string, q *storage.Expr, found *matches, write writeFunc) (int, error) {
	start := time.Now()
	list := found.list
	for done := 0; done < len(list); {
		part := list[done:min(len(list), done+writeRows)]
		if err := write(part); err != nil {
			if done > 0 {
				d.tx.fail(err) // half of an update is none
			}
			return 0, err
		}
		done += len(part)
	}
	if n := units(int64(found.count), found.bytes); n >= minMeasured {
		if err := d.tx.flush(); err != nil {
			return 0, wrap(op, err)
		}
		d.tx.w.observeUnits(n, time.Since(start))
	}
	return len(list), nil
}
