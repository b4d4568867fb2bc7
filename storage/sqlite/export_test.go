package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"
	"time"
)

// What the external tests need of the inside.

// Migrations and Schema make a data file as an older fazt has left it.
const Migrations, ApplicationID = migrations, applicationID

var Schema = schema

// StepsBeforeAudit is how many steps the schema had before the audit log.
const StepsBeforeAudit = 5

// StepsBeforeCollections is how many it had before collections had generations.
const StepsBeforeCollections = 6

// The bounds of a search for matches, see docs_search.go.
const DirectUnits, ForeignUnits, MaxNoted, SweepInterval = directUnits, foreignUnits, maxNoted, sweepInterval

// AfterSearch has fn called after each search for
// matches.
func AfterSearch(s *Store, fn func()) { s.searched = fn }

// HasFree has a store take its disk for one with so much room.
func HasFree(s *Store, bytes int64) { s.free = func() (int64, bool) { return bytes, true } }

// IndexStatements are the statements that read the index, for a test of how
// SQLite plans them.
var IndexStatements = map[string]string{
	"one key":        entryDocs,
	"one key, back":  entryDocsBack,
	"count":          entrySeqs,
	"in order":       entryWalk,
	"in order, back": entryWalkBack,
	"indexes":        selectIndexes,
	"delete":         entryDelete,
	"few by id":      fewByID,
	"few oldest":     fewOldest,
	"few newest":     fewNewest,
	"few by a key":   fewByKey,
	"few, back":      fewByKeyBack,
	"few in order":   fewInOrder,
	"few, backwards": fewInOrderBack,
}

// Statements are those that handlers wait for.
var Statements = []string{
	kvGet, kvSet, kvDelete, kvList,
	batchBodies, batchNumbers, batchRows, batchRowsBack, oldestNumber, newestNumber,
	docsScan, docsBack, docsByID, docsBody, docsOldest, docsNewest, docsInsert, docsUpdate, docsDelete,
	collectionGet, collectionInsert, collectionDelete, clearedInsert,
	entryDocs, entryDocsBack, entrySeqs, entryWalk, entryWalkBack, entryInsert, entryDelete,
	fewByID, fewOldest, fewNewest, fewByKey, fewByKeyBack, fewInOrder, fewInOrderBack, indexReady,
	selectIndexes, selectUsage, blobGet, blobPut, blobDelete, blobList,
	appByName, appByID, aliasByLabel, selectRevision,
}

// BuildRows is how many documents one step of a build indexes.
const BuildRows = buildRows

// AcknowledgeEarly makes a store answer its callers before the commit: the
// mistake that the crash test is there to find.
func AcknowledgeEarly(s *Store) {
	s.writer.beforeCommit = func(batch []*request) []*request {
		answer(batch, func(r *request) error { return r.err })
		return nil
	}
}

// SlowCommits has every commit take so long.
func SlowCommits(s *Store, d time.Duration) {
	s.writer.beforeCommit = func(batch []*request) []*request {
		time.Sleep(d)
		return batch
	}
}

// Snapshots is how many snapshots are open.
func Snapshots(s *Store) int {
	s.snapshots.mu.Lock()
	defer s.snapshots.mu.Unlock()
	return len(s.snapshots.open)
}

// Turns gives the tests the order of readers without the readers: a read is given by
// its app, and how it ends is for the test to say.
type Turns struct {
	turns turns
	flows []*readFlow
}

// Wait has a read of an app wait.
func (t *Turns) Wait(app string, long bool) { t.turns.wait(app, long) }

// Next starts the read whose turn it is, and returns its app, or "".
func (t *Turns) Next(long bool) string {
	w := t.turns.next(long)
	if w == nil {
		return ""
	}
	t.flows = append(t.flows, t.turns.start(w.flow.app))
	return w.flow.app
}

// End ends the read that started first.
func (t *Turns) End(took time.Duration) {
	t.turns.end(t.flows[0], took)
	t.flows = t.flows[1:]
}

// Known is how many apps are remembered.
func (t *Turns) Known() int { return len(t.turns.flows) }

// EndSnapshots ends all that are open, as the writer does for the log's sake.
func EndSnapshots(s *Store) { s.snapshots.endOlder(time.Nanosecond, time.Now()) }

// ReadingApps are the apps that have a reader.
func ReadingApps(s *Store) (apps []string) {
	s.readers.mu.Lock()
	defer s.readers.mu.Unlock()
	for app, f := range s.readers.turns.flows {
		if f.active > 0 {
			apps = append(apps, app)
		}
	}
	return apps
}

// SetBatchTime sets how long a batch of a scan may take.
func SetBatchTime(s *Store, d time.Duration) { s.readers.batchTime = d }

// WithoutJoiners has idle readers join documents as they do where there is no
// [joiner], until restore is called.
func WithoutJoiners(s *Store) (restore func()) {
	had := map[*reader]*joiner{}
	for _, r := range s.readers.idle {
		had[r], r.joiner = r.joiner, nil
	}
	return func() {
		for r, j := range had {
			r.joiner = j
		}
	}
}

// Joiners is how many idle readers have a [joiner].
func Joiners(s *Store) (n int) {
	for _, r := range s.readers.idle {
		if r.joiner != nil {
			n++
		}
	}
	return n
}

// JoinBodies is the function of a [joiner] for a statement on a reader.
func JoinBodies(s *Store, of string) (text string, err error) {
	err = s.readers.snapshot(context.Background(), "test", func(c *conn) error {
		size, err := c.queryInt("SELECT join_bodies(body) FROM (" + of + ")")
		if text = strings.Clone(c.reader.joiner.text()); err == nil && size != int64(len(text)) {
			err = fmt.Errorf("%d bytes are %d", size, len(text))
		}
		return err
	})
	return text, err
}

// MaxRestarts is how often an operation begins anew on another snapshot.
const MaxRestarts = maxRestarts

// Readers is how many connections read apps' data.
func Readers(s *Store) int { return s.readers.n }

// LongReaders is how many of them long reads may hold.
func LongReaders(s *Store) int { return s.readers.mostLong }

// HoldFolding keeps the log from being folded into the data file until release is called.
func HoldFolding(s *Store) (release func()) {
	s.writer.checkpoints.folding <- struct{}{}
	return func() { <-s.writer.checkpoints.folding }
}

// Fold folds the log into the data file, as far as no snapshot needs it.
func Fold(s *Store) { s.writer.checkpoints.fold() }

// Vacuum has the store look whether its file should be made smaller, as it does once a
// minute.
func Vacuum(s *Store) { s.vacuum.now() }

// WaitForIndexes returns when all indexes are built, and what was dropped is gone.
func WaitForIndexes(ctx context.Context, s *Store) error {
	for {
		s.indexer.mu.Lock()
		working := len(s.indexer.working)
		s.indexer.mu.Unlock()
		n, err := list(ctx, s, "indexes", func(row []driver.Value) int64 { return row[0].(int64) }, "SELECT count(*) FROM indexes WHERE state <> 'ready'")
		if err != nil || working == 0 && n[0] == 0 {
			return err
		}
		time.Sleep(100 * time.Microsecond)
	}
}

// OnStep returns a context that has fn called at each step of a restore.
func OnStep(ctx context.Context, fn func(step string)) context.Context {
	return context.WithValue(ctx, stepKey{}, fn)
}

// RestoreSteps are those of one that replaces a data file.
var RestoreSteps = []string{"copied", "seized", "log removed", "renamed", "on disk", "disowned"}

// HoldStreams takes all readers of bodies, until release is called.
func HoldStreams(s *Store) (release func(), err error) {
	var held []*reader
	release = func() {
		for _, c := range held {
			s.streams.put(c)
		}
	}
	for range s.streams.n {
		c, err := s.streams.get(context.Background(), "test", "", false)
		if err != nil {
			release()
			return nil, err
		}
		held = append(held, c)
	}
	return release, nil
}

// StreamsHeld is how many readers of bodies somebody has.
func StreamsHeld(s *Store) int {
	s.streams.mu.Lock()
	defer s.streams.mu.Unlock()
	return s.streams.n - len(s.streams.idle)
}

// ReadersOf opens readers of the store's file that nobody looks after.
func ReadersOf(s *Store) (read func(context.Context, func() error) error, rest func() (bool, error), stop func() error, err error) {
	r, err := openReaders(s.path, readerCache, s.snapshots)
	if err != nil {
		return nil, nil, nil, err
	}
	read = func(ctx context.Context, fn func() error) error {
		return r.snapshot(ctx, "test", func(*conn) error { return fn() })
	}
	return read, r.rest, r.close, nil
}
