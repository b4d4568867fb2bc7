package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// maxPending and maxPendingBytes are how much is kept before it is sent.
	maxPending, maxPendingBytes = 1024, 4 << 20

	guardedFailed = 1 // what send returns when it was the guarded statement that failed
)

// flush sends what is pending, and waits for the answers.
func (b *batchTx) flush() error {
	_, err := b.send(false)
	return err
}

// sortedApps are those whose turns the batch takes, in the order in which everybody does.
func (b *batchTx) sortedApps() []string {
	var apps []string
	for _, f := range b.b.flows {
		apps = append(apps, f.App)
	}
	slices.Sort(apps)
	return apps
}

// send sends what is pending. With guard, the last statement but one may fail without
// harm.
func (b *batchTx) send(guard bool) (int, error) {
	if b.lost != nil {
		return 0, b.lost
	}
	list := b.complete()
	if len(list) == 0 {
		return 0, nil
	}
	b.pending, b.sent = b.pending[:0:0], b.bytes
	if err := b.acquire(); err != nil {
		return 0, b.lose(err)
	}
	at, err := sendAll(b.ctx, b.conn.Conn(), b.w.store, list)
	if err == nil {
		b.settleAsked()
		return 0, nil
	}
	if b.ctx.Err() != nil {
		return 0, b.lose(b.ctx.Err())
	}
	var unprepared pgx.ErrPreprocessingBatch
	last := len(list) - 2
	if guard && (at == last || errors.As(err, &unprepared) && unprepared.SQL() == list[last].query) &&
		!away(err) && !retryable(err) && !b.conn.Conn().IsClosed() && b.ctx.Err() == nil {
		return guardedFailed, err
	}
	return 0, b.lose(err)
}

// complete returns what is pending, after the beginning of the transaction if that has not
// been sent, and with a savepoint for a request in the middle of which it is sent.
func (b *batchTx) complete() []statement {
	list := b.pending
	if tx := b.current; tx != nil {
		writes := slices.ContainsFunc(list[tx.mark:], func(s statement) bool { return s.writes })
		if writes && !tx.saved {
			tx.saved = true
			list = slices.Insert(slices.Clone(list), tx.mark, statement{query: saveRequest})
		}
		tx.mark = 0
	}
	if !b.begun {
		b.begun = true
		head := []statement{{query: beginTx}}
		for _, app := range b.sortedApps() {
			head = append(head, b.turn(app)...)
		}
		list = append(head, list...)
	}
	for i := range list {
		b.wrote = b.wrote || list[i].writes
	}
	return list
}

// turn returns the statements that take an app's turn.
func (b *batchTx) turn(app string) (list []statement) {
	st := b.state(app)
	b.w.mu.Lock()
	_, made := b.w.used[app]
	b.w.mu.Unlock()
	if !made || b.careful {
		list = append(list, statement{query: makeTurn, args: []any{app}})
	}
	return append(list, statement{query: takeTurn, args: []any{app}, got: func(rows *rowBuffer) error {
		if len(rows.rows) == 0 {
			return errNoTurn
		}
		if err := rows.scan(0, &st.bytes, &st.seq); err != nil {
			return err
		}
		st.known, st.before, st.seqWas = true, st.bytes, st.seq
		if st.asked > 0 && st.bytes+st.asked > b.w.store.quotas.Total {
			return errNearQuota
		}
		return nil
	}})
}

// lose notes why the transaction can't be committed.
func (b *batchTx) lose(err error) error {
	if b.lost == nil {
		b.lost = err
	}
	return b.lost
}

// commit ends the transaction.
func (b *batchTx) commit() error {
	if len(b.pending) > 0 && (!b.begun || slices.ContainsFunc(b.pending, func(s statement) bool { return s.got != nil })) {
		if err := b.flush(); err != nil {
			return err
		}
	}
	for i := range b.pending {
		b.wrote = b.wrote || b.pending[i].writes
	}
	if !b.wrote {
		return nil // release rolls it back
	}
	list := append(b.pending, b.bookkeeping()...)
	b.pending = nil
	list = append(list, statement{query: "COMMIT", got: func(rows *rowBuffer) error {
		if rows.tag != "COMMIT" {
			return errRolledBack
		}
		return nil
	}})
	if b.w.beforeCommit != nil {
		b.w.beforeCommit(b.b)
	}
	start := time.Now()
	err := b.sendCommit(list)
	b.b.commitTime = time.Since(start)
	if err != nil {
		return b.lose(err)
	}
	b.b.committed, b.b.bytes = true, b.bytes
	b.b.used = make(map[string]int64, len(b.apps))
	for app, st := range b.apps {
		b.b.used[app] = st.bytes
	}
	b.w.retry.earn(len(b.b.requests))
	b.w.recent.Record(len(b.b.requests), b.b.commitTime)
	b.w.batches.Add(1)
	for _, fn := range b.committed {
		fn()
	}
	return nil
}

// sendCommit sends the end of a transaction, and waits for the answer. No caller's
// context cancels it: to cancel a COMMIT that waits for a synchronous standby ends only
// the waiting, and others see what may be lost. For the same reason a connection whose
// answer has not come in time is not closed, which would cancel as well, but left to wait.
func (b *batchTx) sendCommit(list []statement) error {
	pooled := b.conn
	conn := pooled.Conn()
	takeWarning(conn)
	present := b.w.store.presence
	type answer struct {
		at      int
		err     error
		warning string
	}
	present.spare(conn, true)
	done := make(chan answer, 1)
	go func() {
		at, err := sendAll(context.Background(), conn, b.w.store, list)
		done <- answer{at, err, takeWarning(conn)}
	}()
	start, limit := time.Now(), time.NewTimer(commitLimit)
	defer limit.Stop()
	select {
	case a := <-done:
		present.spare(conn, false)
		if a.err == nil && a.warning != "" {
			a.err = &uncertainError{errors.New(a.warning)}
			return a.err
		}
		if errors.Is(a.err, errRolledBack) {
			return a.err
		}
		return outcome(a.err, a.at == len(list)-1)
	case <-limit.C:
	case <-present.isHere().Done():
	}
	b.conn = nil
	left := pooled.Hijack()
	go func() {
		<-done
		left.Close(context.Background())
	}()
	return &uncertainError{fmt.Errorf("the database did not answer within %v", time.Since(start).Round(time.Millisecond))}
}

// sendAll sends statements in one round trip. It returns the place of the one that
// failed.
func sendAll(ctx context.Context, conn *pgx.Conn, s *Store, list []statement) (at int, err error) {
	var batch pgx.Batch
	for _, st := range list {
		batch.Queue(st.query, st.args...)
	}
	results := conn.SendBatch(ctx, &batch)
	defer func() {
		if closeErr := results.Close(); err == nil && closeErr != nil {
			at, err = len(list)-1, closeErr
		}
	}()
	for i := range list {
		rows, err := results.Query()
		if err != nil {
			return i, err
		}
		buffer, err := s.gather(rows)
		if err != nil {
			return i, err
		}
		if got := list[i].got; got != nil {
			if err := got(buffer); err != nil {
				return i, err
			}
		}
	}
	return 0, nil
}
