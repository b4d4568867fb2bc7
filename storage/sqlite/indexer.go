package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/demand"
)

const (
	// decideEvery is how often the indexer looks at what finds have read.
	decideEvery = 5 * time.Second
	// indexerApps is how many apps' indexes are built at once. Each waits for its app's
	// turn with the writer, and should not wait for another's.
	indexerApps = 8
	// demandSamples is how many documents are looked at to tell what an index would
	// narrow a find to.
	demandSamples = 256
	// useEvery is how exactly is written down when an index was used, and that there was
	// somebody who could have.
	useEvery = time.Hour
)

// indexer decides in the background which indexes make themselves and which go, and
// builds and removes the entries of all indexes. What it does for an app it does
// as that app's work.
type indexer struct {
	store  *Store
	demand *demand.Demand
	wake   chan struct{}
	ctx    context.Context
	cancel context.CancelFunc
	done   sync.WaitGroup
	alive  time.Time // when it was last written down that a server runs; see skipAbsence

	mu      sync.Mutex
	working map[string]bool // apps whose indexes are being built or removed
}

func startIndexer(s *Store) *indexer {
	x := &indexer{store: s, demand: s.writer.demand, wake: make(chan struct{}, 1), working: make(map[string]bool)}
	x.ctx, x.cancel = context.WithCancel(context.Background())
	x.now() // for what a process left that ended before its indexes were built
	x.done.Go(x.loop)
	return x
}

// now has the indexer look at once for indexes that are to be built or removed.
func (x *indexer) now() {
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

func (x *indexer) stop() {
	x.cancel()
	x.done.Wait()
}

func (x *indexer) loop() {
	decide, tidy := time.NewTicker(decideEvery), time.NewTicker(sweepInterval)
	defer decide.Stop()
	defer tidy.Stop()
	for {
		select {
		case <-decide.C:
			x.warn(x.decide())
			x.warn(x.store.rest())
		case <-tidy.C:
			x.warn(errors.Join(x.writeUses(), x.skipAbsence(), x.dropIdle(), x.work()))
		case <-x.wake:
			x.warn(x.work())
		case <-x.ctx.Done():
			return
		}
	}
}

// rest gives back memory that reads have left, if there are none at present.
func (s *Store) rest() error {
	searches, err := s.readers.rest()
	bodies, bodiesErr := s.streams.rest()
	if searches || bodies {
		releaseMemory()
	}
	return errors.Join(err, bodiesErr)
}

// decide makes the indexes that finds have shown to be worth it.
func (x *indexer) decide() error {
	var errs []error
	for key, a := range x.demand.Worthwhile() {
		field, err := x.choose(key, &a)
		if err == nil && field != "" {
			err = x.make(key, field)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// choose returns the field that gets an index, or "".
func (x *indexer) choose(key demand.Collection, a *demand.Asked) (string, error) {
	d := storage.Demand{Finds: a.Finds, Inserts: a.Inserts}
	var err error
	if d.Documents, err = x.documents(key); err != nil || d.Documents <= storage.ScanDocuments {
		return "", err
	}
	if d.Indexes, err = x.uses(key); err != nil {
		return "", err
	}
	for i := range a.Fields {
		f := &a.Fields[i]
		field := storage.FieldDemand{Field: f.Name, Read: f.Read, Instead: f.SortedInstead}
		if len(f.Ranges) > 0 && field.Worthwhile(d.Documents) {
			share, err := x.share(key, f)
			if err != nil {
				return "", err
			}
			field.Instead += int64(share * float64(f.Read-f.Sorted))
		}
		d.Fields = append(d.Fields, field)
	}
	build, _ := storage.ChooseIndexes(d)
	return build, nil
}

// documents is how many documents a collection has, those of all users.
func (x *indexer) documents(key demand.Collection) (int64, error) {
	n, err := list(x.ctx, x.store, "indexes", func(row []driver.Value) int64 { return row[0].(int64) },
		"SELECT coalesce(sum(count), 0) FROM collections WHERE app = ? AND name = ?", key.App, key.Name)
	if err != nil {
		return 0, err
	}
	return n[0], nil
}

// uses are the indexes of a collection.
func (x *indexer) uses(key demand.Collection) ([]storage.IndexUse, error) {
	now := time.Now()
	return list(x.ctx, x.store, "indexes", func(row []driver.Value) storage.IndexUse { return indexUse(now, row) },
		indexUses+" WHERE app = ? AND collection = ? AND state <> 'dropped'", key.App, key.Name)
}

const indexUses = "SELECT id, field, automatic, state, used_at FROM indexes"

func indexUse(now time.Time, row []driver.Value) storage.IndexUse {
	return storage.IndexUse{ID: row[0].(int64), Field: row[1].(string), Automatic: row[2] != int64(0),
		Building: row[3] == "building", Idle: now.Sub(time.UnixMilli(row[4].(int64)))}
}

// share is which part of a collection's documents a find would read by an index of the
// field, of those of the user whose find was the last.
func (x *indexer) share(key demand.Collection, f *demand.Field) (share float64, err error) {
	const nextBody = `SELECT seq, body FROM documents WHERE app = ? AND user = ? AND collection = ? AND seq >= ? ORDER BY seq LIMIT 1`
	d := &docs{session: session{ctx: x.ctx}, scope: storage.Scope{App: key.App, User: f.User}}
	path := storage.ParsePath(f.Name)
	err = d.snapshot(x.store.readers, "indexes", key.App, func() error {
		if err := d.open("indexes", key.Name); err != nil {
			return err
		}
		oldest, err := d.row("indexes", oldestNumber, d.key(key.Name)...)
		if err != nil || oldest == nil {
			return err
		}
		newest, err := d.row("indexes", newestNumber, d.key(key.Name)...)
		if err != nil {
			return err
		}
		from, to := oldest[0].(int64), newest[0].(int64)
		step := max(1, (to-from)/demandSamples)
		sampled, within := 0, 0
		for seq := from; seq <= to && sampled < demandSamples; seq += step {
			row, err := d.row("indexes", nextBody, d.key(key.Name, seq)...)
			if err != nil || row == nil {
				return err
			}
			sampled++
			if storage.InRanges(f.Ranges, storage.IndexKey(row[1].(string), path)) {
				within++
			}
		}
		share = float64(within) / float64(sampled)
		return nil
	})
	return share, err
}

// make begins an index, unless another process was faster or the app is gone.
func (x *indexer) make(key demand.Collection, field string) error {
	made := false
	err := x.store.writer.do(x.ctx, key.App, "make index", func(tx *writeTx) error {
		made = false
		n, err := tx.conn.queryInt(`SELECT (SELECT count(*) FROM removed_apps WHERE id = ?1)
			+ (SELECT count(*) FROM indexes WHERE app = ?1 AND collection = ?2 AND field = ?3 AND state <> 'dropped')`, key.App, key.Name, field)
		if err != nil || n > 0 {
			return err
		}
		tx.indexes = nil
		_, err = addIndex(tx, key.App, key.Name, field, true)
		made = err == nil
		return err
	})
	if err == nil && made {
		x.demand.Settle(key)
		x.now()
		x.store.logger.Info("an index makes itself", "app", key.App, "collection", key.Name, "field", field)
	}
	return err
}

// writeUses writes down when indexes were used.
func (x *indexer) writeUses() error {
	used := x.demand.TakeUsed()
	if len(used) == 0 {
		return nil
	}
	return x.store.writer.do(x.ctx, "", "indexes", func(tx *writeTx) error {
		for id, at := range used {
			if _, err := tx.write("UPDATE indexes SET used_at = ? WHERE id = ? AND used_at < ?",
				at.UnixMilli(), id, at.Add(-useEvery).UnixMilli()); err != nil {
				return err
			}
		}
		return nil
	})
}

// skipAbsence writes down every hour that a server runs, and does not count as idle, of the
// indexes that have made themselves, the time in which none did.
func (x *indexer) skipAbsence() error {
	const alive = "indexes.alive"
	now := time.Now()
	if now.Sub(x.alive).Abs() < useEvery {
		return nil
	}
	automatic, err := list(x.ctx, x.store, "indexes", func(row []driver.Value) int64 { return row[0].(int64) },
		"SELECT id FROM indexes WHERE automatic = 1 AND state <> 'dropped' LIMIT 1")
	if err != nil || len(automatic) == 0 {
		return err
	}
	err = x.store.writer.do(x.ctx, "", "indexes", func(tx *writeTx) error {
		row, err := tx.conn.queryRow("SELECT updated_at FROM config WHERE name = ?", alive)
		if err != nil {
			return err
		}
		if row != nil {
			last := row[0].(int64)
			if absent := now.UnixMilli() - last; absent > 2*useEvery.Milliseconds() {
				if _, err := tx.write("UPDATE indexes SET used_at = used_at + ? WHERE automatic = 1 AND used_at <= ?", absent, last); err != nil {
					return err
				}
			}
		}
		_, err = tx.write("INSERT OR REPLACE INTO config (name, value, updated_at) VALUES (?, 'true', ?)", alive, now.UnixMilli())
		return err
	})
	if err == nil {
		x.alive = now
	}
	return err
}

// dropIdle gives up the indexes that have made themselves and that nobody uses.
func (x *indexer) dropIdle() error {
	now := time.Now()
	old := now.Add(-storage.IndexIdle).UnixMilli()
	idle, err := list(x.ctx, x.store, "indexes", func(row []driver.Value) storage.IndexUse { return indexUse(now, row) },
		indexUses+" WHERE automatic = 1 AND state <> 'dropped' AND used_at <= ?", old)
	if err != nil {
		return err
	}
	_, drop := storage.ChooseIndexes(storage.Demand{Indexes: idle})
	for _, id := range drop {
		err := x.store.writer.do(x.ctx, "", "drop index", func(tx *writeTx) error {
			tx.indexes = nil
			_, err := tx.write(dropIndex+" AND automatic = 1 AND used_at <= ?", id, old)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// unready is an index with something to do.
type unready struct {
	id         int64
	collection demand.Collection
	build      bool // or it was dropped
}

// work has what is not ready built, and what was dropped removed: the indexes of one app one
// after another, those of several apps side by side. It waits for none of it.
func (x *indexer) work() error {
	todo, err := list(x.ctx, x.store, "indexes", func(row []driver.Value) unready {
		return unready{row[0].(int64), demand.Collection{App: row[1].(string), Name: row[2].(string)}, row[3] == "building"}
	}, "SELECT id, app, collection, state FROM indexes WHERE state <> 'ready'")
	if err != nil || len(todo) == 0 {
		return err
	}
	apps := make(map[string][]unready)
	for _, u := range todo {
		apps[u.collection.App] = append(apps[u.collection.App], u)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for app, indexes := range apps {
		if x.working[app] || len(x.working) >= indexerApps {
			continue // whoever ends looks again
		}
		x.working[app] = true
		x.done.Go(func() {
			err := x.workFor(indexes)
			x.warn(err)
			x.mu.Lock()
			delete(x.working, app)
			x.mu.Unlock()
			if err == nil {
				x.now()
			}
		})
	}
	return nil
}

func (x *indexer) workFor(indexes []unready) error {
	for _, u := range indexes {
		step := buildIndex
		if !u.build {
			step = removeEntriesOf
		}
		for ready := false; !ready; {
			var start time.Time
			before := x.store.writer.commits.Load()
			err := x.store.writer.do(x.ctx, u.collection.App, "indexes", func(tx *writeTx) (err error) {
				start = time.Now()
				ready, err = step(tx, u.id)
				return err
			})
			if err != nil {
				return err
			}
			// Those who wrote meanwhile have read their answers by then, and
			// written again: a step at once would come before each of their writes.
			if worked := time.Since(start); !ready && x.store.writer.commits.Load() > before+1 {
				if err := rest(x.ctx, worked); err != nil {
					return err
				}
			}
		}
		x.demand.Settle(u.collection)
	}
	return nil
}

// warn tells the operator what has failed. That an app's queue is full has been told to its
// callers; there is another time.
func (x *indexer) warn(err error) {
	if err != nil && !errors.Is(err, context.Canceled) && storage.CodeOf(err) != storage.CodeOverloaded {
		x.store.logger.Warn("indexing failed", "err", err)
	}
}

// removeEntriesOf removes the next entries of an index that was dropped, and with the
// last of them the index.
func removeEntriesOf(tx *writeTx, id int64) (removed bool, err error) {
	n, err := tx.write(`DELETE FROM index_entries WHERE (app, index_id, user, value, seq) IN (
		SELECT e.app, e.index_id, e.user, e.value, e.seq FROM indexes x CROSS JOIN index_entries e
		ON e.app = x.app AND e.index_id = x.id WHERE x.id = ? LIMIT ?)`, id, sweepRows)
	if err != nil || n > 0 {
		return false, err
	}
	_, err = tx.write("DELETE FROM indexes WHERE id = ? AND state = 'dropped'", id)
	return true, err
}

// Indexes implements [storage.Data].
func (s *Store) Indexes(ctx context.Context, appID string) ([]storage.CollectionIndexes, error) {
	const (
		collections = "SELECT name, sum(count) FROM collections WHERE app = ? GROUP BY name ORDER BY name"
		indexes     = "SELECT collection, field, automatic, state, used_at FROM indexes WHERE app = ? AND state <> 'dropped' ORDER BY collection, field"
	)
	var found []storage.CollectionIndexes
	err := s.system.snapshot(ctx, "indexes", func(c *conn) error {
		found = []storage.CollectionIndexes{}
		err := c.query(ctx, collections, []any{appID}, func(row []driver.Value) error {
			found = append(found, storage.CollectionIndexes{Collection: row[0].(string), Documents: row[1].(int64)})
			return nil
		})
		if err != nil {
			return err
		}
		return c.query(ctx, indexes, []any{appID}, func(row []driver.Value) error {
			name := row[0].(string)
			i, ok := slices.BinarySearchFunc(found, name, func(c storage.CollectionIndexes, name string) int { return strings.Compare(c.Collection, name) })
			if !ok { // without documents
				found = slices.Insert(found, i, storage.CollectionIndexes{Collection: name})
			}
			index := storage.Index{Field: row[1].(string), Automatic: row[2] != int64(0), Ready: row[3] == "ready"}
			if at := row[4].(int64); at > 0 {
				index.UsedAt = time.UnixMilli(at)
			}
			found[i].Indexes = append(found[i].Indexes, index)
			return nil
		})
	})
	for i := range found {
		c := &found[i]
		c.Scans, c.Scanned = s.writer.demand.Scans(demand.Collection{App: appID, Name: c.Collection})
	}
	return found, wrap("indexes", err)
}
