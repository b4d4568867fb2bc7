package sqlite

import (
	"os"
	"strconv"
	"time"
)

const (
	// maxLog is how large the write-ahead log may grow, in bytes, and a batch more.
	// Then the writer ends the snapshots that keep it from being restarted. What it
	// grew to beyond that is given back.
	maxLog = 64 << 20
	// maxSnapshotAge is how old a snapshot may be that is not ended then, and
	// endingTime how long those take to notice that are.
	maxSnapshotAge = 250 * time.Millisecond
	endingTime     = 50 * time.Millisecond

	// restartLog is from which size on the writer tries to restart the log without
	// ending anything, whenever it has grown by restartStep: it only lets nobody begin
	// for restartWait. That is enough where snapshots overlap but are short.
	restartLog  = 24 << 20
	restartStep = 4 << 20
	restartWait = 5 * time.Millisecond

	// restartBusy is how long a restart waits for other processes, in milliseconds.
	restartBusy = "50"
)

// logSize watches the size of the write-ahead log. Its file keeps its size when SQLite
// restarts it, so the log is as long as the file only where that has grown.
type logSize struct {
	path string
	seen int64 // when it was looked at last
	next int64 // at which a restart is tried
}

// grown returns how long the log is, if a restart is to be tried, and else 0.
func (l *logSize) grown() int64 {
	info, err := os.Stat(l.path)
	if err != nil {
		return 0 // there is none
	}
	size := info.Size()
	grew := size > l.seen
	l.seen = size
	if !grew || size < l.next {
		return 0
	}
	return size
}

// tried notes whether a log of this size was restarted.
func (l *logSize) tried(size int64, restarted bool) {
	switch {
	case restarted:
		l.seen, l.next = 0, restartLog
	case size < maxLog:
		l.next = min(size+restartStep, maxLog)
	default:
		l.next = size + restartLog // others must not wait too often for what does not end
	}
}

// boundLog restarts the write-ahead log when it has become too long. It is called
// before a batch: while nobody writes, no read is in the way.
func (w *writer) boundLog() {
	size := w.log.grown()
	if size == 0 {
		return
	}
	wait, age := restartWait, time.Duration(0)
	if size >= maxLog {
		wait, age = maxSnapshotAge+endingTime, maxSnapshotAge
	}
	restarted := w.restart(wait, age)
	if !restarted && size >= maxLog {
		w.logger.Warn("the write-ahead log can't be restarted: a read transaction does not end",
			"bytes", size, "hint", "end long queries of other processes, and let functions given to View return")
	}
	w.log.tried(size, restarted)
}

// restart waits until no snapshot is open, folds the log into the data file and cuts
// it to nothing.
func (w *writer) restart(wait, age time.Duration) bool {
	drained := w.snapshots.drain(wait, age)
	defer w.snapshots.resume()
	if !drained {
		return false
	}
	_, err := w.conn.queryInt("PRAGMA busy_timeout = " + restartBusy)
	var busy int64
	if err == nil {
		busy, err = w.conn.queryInt("PRAGMA wal_checkpoint(TRUNCATE)")
	}
	if _, resetErr := w.conn.queryInt("PRAGMA busy_timeout = " + strconv.FormatInt(busyTimeout.Milliseconds(), 10)); err == nil {
		err = resetErr
	}
	if err != nil && !isBusy(err) {
		w.logger.Error("the write-ahead log can't be folded into the data file", "err", err)
	}
	return err == nil && busy == 0
}
