package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	// minFree is how much of the data file is free, in bytes, before it is made smaller,
	// and minFreePart how much of the file that is, one in so many. It goes on until half
	// of either is left: what is written next needs no new room.
	minFree, minFreePart = 16 << 20, 10
	// vacuumTime and vacuumPages bound one transaction of the vacuum, without its commit.
	vacuumTime  = 2 * time.Millisecond
	vacuumPages = 128
	// restPart is how much longer background work rests than it has worked: it takes a
	// tenth of the writer at most.
	restPart = 9
)

// vacuum makes the data file smaller when much of it has become free: in short
// transactions that move the last pages to free places
// (https://www.sqlite.org/pragma.html#pragma_incremental_vacuum), with rests in between.
// The file itself is cut when that is folded into it. A data file that an older fazt has
// made can't be made smaller; a copy of it, as restore makes one, can.
type vacuum struct {
	store  *Store
	wake   chan struct{}
	ctx    context.Context
	cancel context.CancelFunc
	done   sync.WaitGroup
}

func startVacuum(s *Store) *vacuum {
	v := &vacuum{store: s, wake: make(chan struct{}, 1)}
	v.ctx, v.cancel = context.WithCancel(context.Background())
	v.done.Go(func() {
		for {
			select {
			case <-v.wake:
			case <-v.ctx.Done():
				return
			}
			if err := v.run(); err != nil && !errors.Is(err, context.Canceled) {
				s.logger.Warn("the data file can't be made smaller", "err", err)
			}
		}
	})
	return v
}

// now has it look soon whether there is something to do.
func (v *vacuum) now() {
	select {
	case v.wake <- struct{}{}:
	default:
	}
}

func (v *vacuum) stop() {
	v.cancel()
	v.done.Wait()
}

func (v *vacuum) run() error {
	const part = 2 // of the limits, once it has begun
	s, err := v.space()
	if err != nil || !s.worth(1) {
		return err
	}
	for s.worth(part) {
		start := time.Now()
		if err := v.step(); err != nil {
			return err
		}
		if err := rest(v.ctx, restPart*time.Since(start)); err != nil {
			return err
		}
		if s, err = v.space(); err != nil {
			return err
		}
	}
	v.store.writer.checkpoints.now()
	return nil
}

// step gives back a few pages.
func (v *vacuum) step() error {
	return v.store.writer.do(v.ctx, "", "vacuum", func(tx *writeTx) error {
		if err := tx.beforeWrite(); err != nil {
			return err
		}
		start := time.Now()
		err := tx.conn.query(context.Background(), fmt.Sprintf("PRAGMA incremental_vacuum(%d)", vacuumPages), nil,
			func([]driver.Value) error { // for each page
				tx.bytes += pageBytes
				if time.Since(start) > vacuumTime {
					return errStop
				}
				return nil
			})
		return tx.check(ignoreStop(err))
	})
}

// pageBytes is about what a page that is moved adds to a batch.
const pageBytes = 4096

// space is how a data file is used, in bytes.
type space struct {
	size, free int64
	shrinks    bool // it can give pages back
}

// worth reports whether so much is free that it should be given back, or the given part
// of that.
func (s space) worth(part int64) bool {
	return s.shrinks && s.free > minFree/part && s.free > s.size/minFreePart/part
}

func (v *vacuum) space() (space, error) {
	found, err := list(v.ctx, v.store, "vacuum", func(row []driver.Value) space {
		page := row[0].(int64)
		return space{row[1].(int64) * page, row[2].(int64) * page, row[3].(int64) == 2}
	}, `SELECT page_size, page_count, freelist_count, auto_vacuum
		FROM pragma_page_size, pragma_page_count, pragma_freelist_count, pragma_auto_vacuum`)
	if err != nil || len(found) == 0 {
		return space{}, err
	}
	return found[0], nil
}

// rest waits for d, unless the work in the background that calls it has to end.
func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// rebuild gives a data file that can't be made smaller, and that nobody has open, a form
// in which it can. It is checked after.
func rebuild(ctx context.Context, op, path string) (err error) {
	c, err := openConn(path, "mode", "rw")
	if err != nil {
		return wrap(op, err)
	}
	defer func() {
		if closeErr := c.close(); err == nil {
			err = wrap(op, closeErr)
		}
	}()
	mode, err := c.queryInt("PRAGMA auto_vacuum")
	if err != nil || mode != 0 {
		return wrap(op, err)
	}
	want, err := countRows(ctx, c)
	if err != nil {
		return wrap(op, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".fazt-*") // mode 0600
	if err != nil {
		return cantWrite(op, path, err)
	}
	defer removeDatabase(f.Name())
	defer f.Close()
	if _, err := c.exec("PRAGMA auto_vacuum = INCREMENTAL"); err != nil {
		return wrap(op, err)
	}
	if err := c.query(ctx, "VACUUM INTO ?", []any{f.Name()}, func([]driver.Value) error { return nil }); err != nil {
		return wrap(op, err)
	}
	if err := checkCopy(ctx, op, f.Name(), want); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return cantWrite(op, path, err)
	}
	return rename(op, f.Name(), path)
}
