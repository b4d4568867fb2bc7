package sqlite

import (
	"strconv"
	"sync"
	"time"
)

const (
	// maxLog is how long the write-ahead log may become, in bytes, and a batch more.
	// Then the writer ends the snapshots that keep it from being restarted.
	maxLog = 64 << 20
	// maxSnapshotAge is how old a snapshot may be that is not ended then, and
	// endingTime how long those take to notice that are.
	maxSnapshotAge = 250 * time.Millisecond
	endingTime     = 50 * time.Millisecond

	// foldLog is how much the log gathers before it is folded into the data file: a
	// page that is written often is then folded in more seldom, and two more fsyncs
	// are shared by more commits. All of its pages are still in the first of the
	// tables in which readers look for one (4,062,
	// https://www.sqlite.org/walformat.html, section 2.2.1).
	foldLog = 16 << 20
	// restartLog is from which length on the writer tries to restart the log without
	// ending anything, whenever it has grown by restartStep: it only lets nobody begin
	// for restartWait. That is enough where snapshots overlap but are short.
	restartLog  = 24 << 20
	restartStep = 4 << 20
	restartWait = 5 * time.Millisecond
	// minRest is how much the writer folds in itself to restart the log, a millisecond
	// or two's worth: the rest has been done beside it. When that can't keep pace, and
	// the log becomes longer, it is half of what that has beyond restartLog.
	minRest = 1 << 20

	// restartBusy is how long a restart waits for other processes, in milliseconds.
	restartBusy = "50"
)

// checkpointer folds the write-ahead log into the data file, on a connection of its
// own and beside the writer, so that this is no part of anybody's commit.
type checkpointer struct {
	writer *writer
	conn   *conn
	wake   chan struct{}
	done   sync.WaitGroup

	folding chan struct{} // has an element while this or the writer folds
}

func startCheckpointer(path string, w *writer) (*checkpointer, error) {
	c, err := openConn(path, "mode", "rw")
	if err != nil {
		return nil, err
	}
	p := &checkpointer{writer: w, conn: c, wake: make(chan struct{}, 1), folding: make(chan struct{}, 1)}
	p.done.Go(func() {
		for range p.wake {
			p.fold()
		}
	})
	return p, nil
}

// now has the log folded in soon.
func (p *checkpointer) now() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// fold folds in what no snapshot needs. It waits for nobody, and nobody for it.
func (p *checkpointer) fold() {
	p.folding <- struct{}{}
	defer func() { <-p.folding }()
	_, err := p.conn.queryRow("PRAGMA wal_checkpoint(PASSIVE)")
	if err != nil && !isBusy(err) {
		p.writer.logger.Error("the write-ahead log can't be folded into the data file", "err", err)
	}
}

// close is called when the writer has ended.
func (p *checkpointer) close() error {
	close(p.wake)
	p.done.Wait()
	return p.conn.close()
}

// logLimits are the lengths of the log at which something is to be done next.
type logLimits struct {
	frame   int64 // bytes of a page in the log
	fold    int64
	restart int64
}

func (l *logLimits) reset() { l.fold, l.restart = foldLog, restartLog }

// tried notes how a restart of a log of this length went.
func (l *logLimits) tried(length int64, restarted bool) {
	switch {
	case restarted:
		l.reset()
	case length < maxLog:
		l.restart = min(length+restartStep, maxLog)
	default:
		l.restart = length + restartLog // others must not wait too often for what does not end
	}
}

// logLength returns how long the log is, and how much of it is still to be folded in,
// in bytes.
func (w *writer) logLength() (length, rest int64, err error) {
	row, err := w.conn.queryRow("PRAGMA wal_checkpoint(NOOP)")
	if err != nil || row == nil {
		return 0, 0, err
	}
	frames, _ := row[1].(int64)
	folded, _ := row[2].(int64)
	return frames * w.log.frame, (frames - folded) * w.log.frame, nil
}

// boundLog has the write-ahead log folded in when it has grown, and restarts it when
// it has become too long. It is called after each batch.
func (w *writer) boundLog() {
	length, rest, err := w.logLength()
	if err != nil {
		w.logger.Error("the length of the write-ahead log can't be read", "err", err)
		return
	}
	if length < foldLog {
		w.log.reset()
		return
	}
	if length >= w.log.fold && rest > minRest {
		w.log.fold = max(length+restartStep, restartLog) // for the rest, before it is restarted
		w.checkpoints.now()
	}
	if length < w.log.restart || length < maxLog && rest > max(minRest, (length-restartLog)/2) {
		return
	}
	wait, age := restartWait, time.Duration(0)
	if length >= maxLog {
		wait, age = maxSnapshotAge+endingTime, maxSnapshotAge
		w.checkpoints.folding <- struct{}{}
	} else {
		select {
		case w.checkpoints.folding <- struct{}{}:
		default:
			return
		}
	}
	defer func() { <-w.checkpoints.folding }()
	restarted := w.restart(wait, age)
	if !restarted && length >= maxLog {
		w.logger.Warn("the write-ahead log can't be restarted: a read transaction does not end",
			"bytes", length, "hint", "end long queries of other processes, and let functions given to View return")
	}
	w.log.tried(length, restarted)
}

// restart waits until no snapshot is open, folds the rest of the log into the data file
// and has the next write begin it anew. What the file of the log has beyond restartLog
// is given back then.
func (w *writer) restart(wait, age time.Duration) bool {
	drained := w.snapshots.drain(wait, age)
	defer w.snapshots.resume()
	if !drained {
		return false
	}
	_, err := w.conn.queryInt("PRAGMA busy_timeout = " + restartBusy)
	var busy int64
	if err == nil {
		busy, err = w.conn.queryInt("PRAGMA wal_checkpoint(RESTART)")
	}
	if _, resetErr := w.conn.queryInt("PRAGMA busy_timeout = " + strconv.FormatInt(busyTimeout.Milliseconds(), 10)); err == nil {
		err = resetErr
	}
	if err != nil && !isBusy(err) {
		w.logger.Error("the write-ahead log can't be folded into the data file", "err", err)
	}
	return err == nil && busy == 0
}
