package postgres

import (
	"context"
	"errors"
	"fmt"
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
	// tidyEvery is how often it looks for indexes that nobody uses.
	tidyEvery = time.Minute
	// indexerApps is how many apps' indexes are built at once. Each waits for its app's
	// turn, and should not wait for another's.
	indexerApps = 4
	// demandSamples is how many documents are looked at to tell what an index would
	// narrow a find to.
	demandSamples = 256
	// useEvery is how exactly is written down when an index was used, and that there was
	// somebody who could have.
	useEvery = time.Hour
	// entriesRemoved is how many entries of an index that was dropped go at a time.
	entriesRemoved = 500
	// indexLease is held by the server that builds and removes.
	indexLease = "fazt.indexes"
)

// indexer decides in the background which indexes make themselves and which go, each
// server by what was asked of it, and builds and removes the entries of all indexes, one
// server at a time. What it does for an app it does as that app's work.
type indexer struct {
	store  *Store
	demand *demand.Demand
	wake   chan struct{}
	alive  time.Time // when it was last written down that a server runs; see skipAbsence
}

func startIndexer(s *Store) *indexer {
	x := &indexer{store: s, demand: &s.writer.demand, wake: make(chan struct{}, 1)}
	x.now() // for what a server left that ended before its indexes were built
	s.background.Go(x.loop)
	return x
}

// now has the indexer look at once for indexes that are to be built or removed.
func (x *indexer) now() {
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

func (x *indexer) loop() {
	ctx := x.store.ctx
	decide, tidy := time.NewTicker(decideEvery), time.NewTicker(tidyEvery)
	defer decide.Stop()
	defer tidy.Stop()
	for {
		var err error
		select {
		case <-decide.C:
			err = x.decide(ctx)
		case <-tidy.C:
			err = errors.Join(x.writeUses(ctx), x.skipAbsence(ctx), x.dropIdle(ctx), x.work(ctx))
		case <-x.wake:
			err = x.work(ctx)
		case <-ctx.Done():
			return
		}
		// That an app's queue is full has been told to its callers; there is another time.
		if err != nil && ctx.Err() == nil && storage.CodeOf(err) != storage.CodeOverloaded {
			x.store.logger.Warn("indexing failed", "err", err)
		}
	}
}

// decide makes the indexes that finds have shown to be worth it.
func (x *indexer) decide(ctx context.Context) error {
	var errs []error
	for key, a := range x.demand.Worthwhile() {
		field, err := x.choose(ctx, key, &a)
		if err == nil && field != "" {
			err = x.make(ctx, key, field)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// choose returns the field that gets an index, or "".
func (x *indexer) choose(ctx context.Context, key collectionName, a *demand.Asked) (string, error) {
	d := storage.Demand{Finds: a.Finds, Inserts: a.Inserts}
	_, err := x.store.readOne(ctx, "indexes", "SELECT coalesce(sum(count), 0)::BIGINT FROM collections WHERE app = $1 AND name = $2",
		[]any{key.App, key.Name}, &d.Documents)
	if err != nil || d.Documents <= storage.ScanDocuments {
		return "", err
	}
	if d.Indexes, err = x.uses(ctx, "WHERE app = $1 AND collection = $2 AND state <> 'dropped'", key.App, key.Name); err != nil {
		return "", err
	}
	for i := range a.Fields {
		f := &a.Fields[i]
		field := storage.FieldDemand{Field: f.Name, Read: f.Read, Instead: f.SortedInstead}
		if len(f.Ranges) > 0 && field.Worthwhile(d.Documents) {
			share, err := x.share(ctx, key, f)
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

// uses are indexes that a condition names.
func (x *indexer) uses(ctx context.Context, where string, args ...any) (found []storage.IndexUse, err error) {
	now := time.Now()
	err = x.store.read(ctx, "indexes", "SELECT id, field, automatic, state, used_at FROM indexes "+where, args, func(scan scanFunc) error {
		var u storage.IndexUse
		var automatic, usedAt int64
		var state string
		err := scan(&u.ID, &u.Field, &automatic, &state, &usedAt)
		u.Automatic, u.Building, u.Idle = automatic != 0, state == "building", now.Sub(time.UnixMilli(usedAt))
		found = append(found, u)
		return err
	})
	return found, err
}

// share is which part of a collection's documents a find would read by an index of the
// field, of those of the user whose find was the last.
func (x *indexer) share(ctx context.Context, key collectionName, f *demand.Field) (share float64, err error) {
	const op = "indexes"
	path := storage.ParsePath(f.Name)
	err = x.store.snapshot(ctx, op, func(q querier) error {
		d := &docs{scopeTx: &scopeTx{ctx: ctx, store: x.store, q: q, scope: storage.Scope{App: key.App, User: f.User}}}
		if err := d.open(op, key.Name); err != nil || d.collection.count == 0 {
			return err
		}
		// Documents lie by their numbers, which an app's collections share: some from each
		// of a few places.
		const places = 8
		var newest int64
		if _, err := d.readOne(op, docsNewest, d.key(), &newest); err != nil {
			return err
		}
		sampled, within := 0, 0
		for i := range int64(places) {
			rows, err := q.rows(ctx, docsScan, d.key(newest/places*i, demandSamples/places))
			if err != nil {
				return err
			}
			for n := range rows.rows {
				sampled++
				if storage.InRanges(f.Ranges, storage.IndexKey(rows.text(n, 1), path)) {
					within++
				}
			}
		}
		if sampled > 0 {
			share = float64(within) / float64(sampled)
		}
		return nil
	})
	return share, err
}

// make begins an index, unless another server was faster or the app is gone.
func (x *indexer) make(ctx context.Context, key collectionName, field string) error {
	made := false
	err := x.store.write(ctx, key.App, "make index", func(tx *writeTx) error {
		made = false
		var n int
		_, err := one(ctx, tx, `SELECT (SELECT count(*) FROM removed_apps WHERE id = $1)
			+ (SELECT count(*) FROM indexes WHERE app = $1 AND collection = $2 AND field = $3 AND state <> 'dropped')`,
			[]any{key.App, key.Name, field}, &n)
		if err != nil || n > 0 {
			return err
		}
		tx.forgetIndexes()
		err = x.store.addIndex(tx, key.App, key.Name, field, 1)
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
func (x *indexer) writeUses(ctx context.Context) error {
	var errs []error
	for id, at := range x.demand.TakeUsed() {
		_, err := x.store.pool.Exec(ctx, "UPDATE indexes SET used_at = $1 WHERE id = $2 AND used_at < $3", at.UnixMilli(), id, at.Add(-useEvery).UnixMilli())
		errs = append(errs, err)
	}
	return wrap("indexes", errors.Join(errs...))
}

// skipAbsence writes down every hour that a server runs, and does not count as idle, of the
// indexes that have made themselves, the time in which none did.
func (x *indexer) skipAbsence(ctx context.Context) error {
	const alive = "indexes.alive"
	now := time.Now()
	if now.Sub(x.alive).Abs() < useEvery {
		return nil
	}
	err := x.store.write(ctx, "", "indexes", func(tx *writeTx) error {
		var last int64
		found, err := one(ctx, tx, "SELECT updated_at FROM config WHERE name = $1", []any{alive}, &last)
		if err != nil {
			return err
		}
		if absent := now.UnixMilli() - last; found && absent > 2*useEvery.Milliseconds() {
			if err := tx.queue("UPDATE indexes SET used_at = used_at + $1 WHERE automatic = 1 AND used_at <= $2", absent, last); err != nil {
				return err
			}
		}
		return tx.queue(`INSERT INTO config (name, value, updated_at) VALUES ($1, 'true', $2)
			ON CONFLICT (name) DO UPDATE SET updated_at = excluded.updated_at`, alive, now.UnixMilli())
	})
	if err == nil {
		x.alive = now
	}
	return err
}

// dropIdle gives up the indexes that have made themselves and that nobody uses.
func (x *indexer) dropIdle(ctx context.Context) error {
	old := time.Now().Add(-storage.IndexIdle).UnixMilli()
	idle, err := x.uses(ctx, "WHERE automatic = 1 AND state <> 'dropped' AND used_at <= $1", old)
	if err != nil {
		return err
	}
	_, drop := storage.ChooseIndexes(storage.Demand{Indexes: idle})
	for _, id := range drop {
		// Whoever writes a document meanwhile may still write an entry, which goes with
		// the others: entries are removed until there are none, and a batch is shorter
		// than that takes.
		if _, err := x.store.pool.Exec(ctx, dropIndex+" AND automatic = 1 AND used_at <= $2", id, old); err != nil {
			return wrap("indexes", err)
		}
	}
	return nil
}

// unready is an index with something to do.
type unready struct {
	id         int64
	collection collectionName
	build      bool // or it was dropped
}

// work builds what is not ready and removes what was dropped: the indexes of one app one
// after another, those of several apps side by side.
func (x *indexer) work(ctx context.Context) error {
	for {
		apps, err := x.todo(ctx)
		if err != nil || len(apps) == 0 {
			return err
		}
		done := false
		err = x.store.leased(ctx, indexLease, func(ctx context.Context) error {
			done = true
			return x.workFor(ctx, apps)
		})
		if err != nil || !done { // another server is at it
			return err
		}
	}
}

func (x *indexer) todo(ctx context.Context) (map[string][]unready, error) {
	apps := make(map[string][]unready)
	err := x.store.read(ctx, "indexes", "SELECT id, app, collection, state FROM indexes WHERE state <> 'ready'", nil, func(scan scanFunc) error {
		var u unready
		var state string
		err := scan(&u.id, &u.collection.App, &u.collection.Name, &state)
		u.build = state == "building"
		apps[u.collection.App] = append(apps[u.collection.App], u)
		return err
	})
	return apps, err
}

func (x *indexer) workFor(ctx context.Context, apps map[string][]unready) error {
	var mu sync.Mutex
	var errs []error
	var working sync.WaitGroup
	places := make(chan struct{}, indexerApps)
	for app, indexes := range apps {
		places <- struct{}{}
		working.Go(func() {
			defer func() { <-places }()
			for _, u := range indexes {
				if err := x.finish(ctx, u); err != nil {
					mu.Lock()
					errs = append(errs, fmt.Errorf("app %s: %w", app, err))
					mu.Unlock()
					return
				}
			}
		})
	}
	working.Wait()
	return errors.Join(errs...)
}

// finish builds one index, or removes it.
func (x *indexer) finish(ctx context.Context, u unready) error {
	step := buildIndex
	if !u.build {
		step = removeEntriesOf
	}
	for ready := false; !ready; {
		err := x.store.write(ctx, u.collection.App, "indexes", func(tx *writeTx) (err error) {
			ready, err = step(tx, u.id)
			return err
		})
		if err != nil {
			return err
		}
	}
	x.demand.Settle(u.collection)
	return nil
}

// removeEntriesOf removes the next entries of an index that was dropped, and with the
// last of them the index.
func removeEntriesOf(tx *writeTx, id int64) (removed bool, err error) {
	n, err := tx.exec(`DELETE FROM index_entries WHERE (app, index_id, "user", generation, value, seq) IN (
		SELECT e.app, e.index_id, e."user", e.generation, e.value, e.seq FROM indexes x JOIN index_entries e
		ON e.app = x.app AND e.index_id = x.id WHERE x.id = $1 LIMIT $2)`, id, entriesRemoved)
	if err != nil || n > 0 {
		return false, err
	}
	return true, tx.queue("DELETE FROM indexes WHERE id = $1 AND state = 'dropped'", id)
}

// Indexes implements [storage.Data].
func (s *Store) Indexes(ctx context.Context, appID string) ([]storage.CollectionIndexes, error) {
	const (
		op          = "indexes"
		collections = `SELECT name, sum(count)::BIGINT FROM collections WHERE app = $1 GROUP BY name ORDER BY name`
		indexes     = `SELECT collection, field, automatic, state, used_at FROM indexes WHERE app = $1 AND state <> 'dropped' ORDER BY collection, field`
	)
	var found []storage.CollectionIndexes
	err := s.snapshot(ctx, op, func(q querier) error {
		found = []storage.CollectionIndexes{}
		err := q.query(ctx, collections, []any{appID}, func(scan scanFunc) error {
			var c storage.CollectionIndexes
			err := scan(&c.Collection, &c.Documents)
			found = append(found, c)
			return err
		})
		if err != nil {
			return err
		}
		return q.query(ctx, indexes, []any{appID}, func(scan scanFunc) error {
			var name, state string
			var automatic, usedAt int64
			var x storage.Index
			if err := scan(&name, &x.Field, &automatic, &state, &usedAt); err != nil {
				return err
			}
			x.Automatic, x.Ready, x.UsedAt = automatic != 0, state == "ready", unixTime(usedAt)
			i, ok := slices.BinarySearchFunc(found, name, func(c storage.CollectionIndexes, name string) int { return strings.Compare(c.Collection, name) })
			if !ok { // without documents
				found = slices.Insert(found, i, storage.CollectionIndexes{Collection: name})
			}
			found[i].Indexes = append(found[i].Indexes, x)
			return nil
		})
	})
	for i := range found {
		c := &found[i]
		c.Scans, c.Scanned = s.writer.demand.Scans(collectionName{App: appID, Name: c.Collection})
	}
	return found, err
}
