package postgres

import (
	"context"

	"github.com/fazt-sh/fazt/storage"
)

const selectUsage = `SELECT bytes FROM usage WHERE app = $1`

// Usage implements [storage.Data].
func (s *Store) Usage(ctx context.Context, appID string) (storage.Usage, error) {
	usage := storage.Usage{Allowed: s.quotas.Total}
	_, err := s.readOne(ctx, "usage", selectUsage, []any{appID}, &usage.Used)
	return usage, err
}

// reserve returns an error if the app's data may not grow by so many bytes. Until the
// database has answered it goes by what the app stored after its last batch, if that is
// far from the quota; later, by what it stores, and what was asked for since. Only when
// that passes the quota is what is pending sent, so that what it replaces is known.
func (tx *writeTx) reserve(op, app string, grow int64) error {
	if grow <= 0 {
		return nil
	}
	if err := tx.usable(); err != nil {
		return wrap(op, err)
	}
	st, allowed := tx.state(app), tx.w.store.quotas.Total
	if !st.known && (tx.careful || !tx.w.far(app, st.asked+grow, allowed)) {
		if err := tx.flush(); err != nil {
			return wrap(op, err)
		}
	}
	if st.known && st.bytes+st.asked+grow > allowed {
		if err := tx.flush(); err != nil {
			return wrap(op, err)
		}
		tx.settleAsked()
		if st.bytes+grow > allowed {
			return storage.OverQuota(op, "", "the app's data", st.bytes+grow, allowed)
		}
	}
	st.asked += grow
	flushed := st.flushed
	tx.undo = append(tx.undo, func() {
		if st.flushed == flushed {
			st.asked -= grow
		}
	})
	return nil
}

// far reports whether an app that may grow by so much is likely to stay far from its
// quota. If it is not, the transaction is run again, with care.
func (w *writer) far(app string, grow, allowed int64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	used, known := w.used[app]
	return known && used+grow+maxQueuedBytes <= allowed
}

// settleAsked is called when all that was pending has been answered: what an app stores
// is known again.
func (b *batchTx) settleAsked() {
	for _, st := range b.apps {
		if st.known {
			st.asked = 0
			st.flushed++
		}
	}
}

// grow counts what the request at hand has made an app's data larger, or smaller.
func (tx *writeTx) grow(app string, bytes int64) {
	if bytes == 0 {
		return
	}
	st := tx.state(app)
	st.bytes += bytes
	tx.undo = append(tx.undo, func() { st.bytes -= bytes })
}

// lock takes the turn of an app besides those of the batch, which are the server's own
// where that is allowed ([writer.await]).
func (tx *writeTx) lock(app string) error {
	if err := tx.usable(); err != nil {
		return err
	}
	if tx.b.flow(app) != nil || tx.state(app).known {
		return nil
	}
	tx.pending = append(tx.pending, tx.turn(app)...)
	return tx.flush()
}

// maxQueuedBytes is what an app's pipelines and a batch of it need together, at most.
const maxQueuedBytes = 2 * maxBatch * (storage.MaxQueuedValue + storage.RowBytes)

// bookkeeping returns the statements that write back what the batch has counted.
func (b *batchTx) bookkeeping() (list []statement) {
	for _, st := range b.apps {
		if st.known && (st.bytes != st.before || st.seq != st.seqWas) {
			list = append(list, statement{query: keepTurn, args: []any{st.app, st.bytes, st.seq}})
		}
	}
	return append(list, b.collectionStatements()...)
}
