package fazt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/storage"
)

// Logs returns lines of apps' logs, oldest first, and where it got to. Up to 10,000
// lines of an app are kept, for 7 days. A line is stored within a second or so of the
// end of its request. One call looks at about [storage.LogScan] lines, so that one
// after another may be needed; [api.Recent] makes them. An app that does not exist is a
// [storage.CodeNotFound] error.
func (s *Server) Logs(ctx context.Context, q api.LogQuery) (*api.LogPage, error) {
	names := make(map[string]string) // by id
	query := storage.LogQuery(q)
	query.Apps = nil
	for _, app := range q.Apps {
		a, err := s.stored(ctx, "logs", app)
		if err != nil {
			return nil, err
		}
		names[a.ID], query.Apps = a.Name, append(query.Apps, a.ID)
	}
	stored, err := s.store.Logs(ctx, query)
	if err != nil {
		return nil, err
	}
	page := &api.LogPage{Lines: make([]api.LogLine, len(stored.Lines)), Last: stored.Last, More: stored.More}
	for i, l := range stored.Lines {
		if names[l.App] == "" {
			a, err := s.store.AppByID(ctx, l.App)
			if err != nil && storage.CodeOf(err) != storage.CodeNotFound {
				return nil, err
			}
			names[l.App] = cmp.Or(a.Name, l.App)
		}
		page.Lines[i] = api.LogLine{ID: l.ID, App: names[l.App], Time: l.Time.UTC(), Level: l.Level, Text: l.Text, RequestID: l.RequestID}
	}
	return page, nil
}

// FollowLogs calls send with the lines after q.After that q asks for, and with those
// that come, about every quarter of a second, also when there are none, until ctx
// ends. It returns ctx's error, or the first other: of send, or since an app is gone.
func (s *Server) FollowLogs(ctx context.Context, q api.LogQuery, send func([]api.LogLine) error) error {
	return api.Follow(ctx, s, q, send)
}

// The bounds of what printing may take of the server. Together they let all
// apps store 5,000 lines a second: a batch holds the one writer of the store up
// for about 2 ms in 100, however much is printed.
const (
	// logInterval is how long lines wait for company, and the time between two
	// batches.
	logInterval = 100 * time.Millisecond
	// logBatchLines and logBatchBytes are how much one transaction stores.
	logBatchLines = 500
	logBatchBytes = 256 << 10
	// logQueueBytes is how much waits in memory, and logLineBytes what a line
	// counts besides its text.
	logQueueBytes = 8 << 20
	logLineBytes  = 256
	// logAttempts is how often a batch is tried, with 200, 400 and 800 ms in
	// between.
	logAttempts = 4
	// logBurst is how much of one app is taken at once, stored and passed on to
	// Options.Logger, and logRate how much a second after that. A line counts
	// logOverhead bytes besides its text.
	logBurst    = 1 << 20
	logRate     = 128 << 10
	logOverhead = 32
)

// logAllowance is what an app may have logged just now: a token bucket.
type logAllowance struct {
	mu      sync.Mutex
	spent   float64 // bytes, at that time
	at      time.Time
	dropped int // lines since one was taken
}

// take counts one text in, and reports whether it may be logged.
func (l *logAllowance) take(size int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.takeLocked(time.Now(), size)
}

func (l *logAllowance) takeLocked(now time.Time, size int) bool {
	l.spent = max(0, l.spent-now.Sub(l.at).Seconds()*logRate)
	l.at = now
	size += logOverhead
	if l.spent+float64(size) > logBurst {
		l.dropped++
		return false
	}
	l.spent += float64(size)
	return true
}

// lines returns those of a run's lines that may be logged, and how many the app
// has lost before the last of them that nothing has been said of.
func (l *logAllowance) lines(printed []runtime.Line) (kept []runtime.Line, dropped int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for _, line := range printed {
		if l.takeLocked(now, len(line.Text)) {
			kept = append(kept, line)
			dropped += l.dropped
			l.dropped = 0
		}
	}
	return kept, dropped
}

// keepLog has what a run printed stored and passed on, as far as the app may log,
// and why it failed.
func (s *Server) keepLog(ctx context.Context, a *app, requestID string, printed []runtime.Line, err error) {
	e, failed := errors.AsType[*runtime.Error](err)
	if failed && e.Code == runtime.CodeCanceled {
		failed = false // the visitor has left
	}
	if len(printed) == 0 && !failed {
		return
	}
	allowed := &a.stats.log
	lines := make([]storage.LogLine, 0, len(printed)+1)
	add := func(at time.Time, level, text string) {
		lines = append(lines, storage.LogLine{App: a.info.ID, Time: at, Level: level, Text: cutLogText(text), RequestID: requestID})
	}
	var failure string
	if failed { // before its lines, which may be many
		failure = withPlace(explain(err), e)
		failed = allowed.take(len(failure))
	}
	kept, dropped := allowed.lines(printed)
	if dropped > 0 {
		add(kept[0].Time, "warn", droppedLines(dropped)+": the app printed more than "+strconv.Itoa(logRate>>10)+" KiB a second")
		s.log.Warn("lines that an app printed were dropped", "app", a.info.Name, "lines", dropped)
	}
	for _, l := range kept {
		add(l.Time, l.Level, l.Text)
	}
	s.logLines(ctx, a, requestID, kept)
	if failed {
		add(time.Now(), "error", failure)
	}
	for _, l := range lines {
		a.stats.logged.Add(int64(len(l.Text)))
	}
	if len(lines) > 0 {
		s.logs.add(lines)
	}
}

// cutLogText is as much of a line as is kept. It makes a text of its own, since
// what JavaScript prints may be a small part of a string that it would hold in
// memory.
func cutLogText(text string) string {
	const mark = "... (cut)"
	if len(text) <= storage.MaxLogText {
		return strings.Clone(text)
	}
	return strings.ToValidUTF8(text[:storage.MaxLogText-len(mark)], "") + mark
}

// logWriter stores what handlers print, in batches and in the background, so
// that no request waits for it. Lines are taken from the apps in turns. When
// more waits than may, the app with the most loses its oldest: a flood pushes
// out nobody's lines but its own. How many were lost is stored in their place.
type logWriter struct {
	store  func(context.Context, []storage.LogLine) error
	logger *slog.Logger

	wake    chan struct{} // something waits
	closing chan struct{}
	stopped sync.WaitGroup

	mu     sync.Mutex
	closed bool
	apps   map[string]*appLog // that have something to store, by id
	turns  []*appLog          // the same, whose turn is next first
	size   int
}

// appLog is what waits of one app.
type appLog struct {
	id      string
	lines   []storage.LogLine
	size    int
	dropped int // lines that came before those
}

// logEntry is a line of a batch. It may stand for lines that were dropped.
type logEntry struct {
	storage.LogLine
	dropped int
}

func startLogWriter(store func(context.Context, []storage.LogLine) error, logger *slog.Logger) *logWriter {
	w := &logWriter{store: store, logger: logger, wake: make(chan struct{}, 1), closing: make(chan struct{}), apps: make(map[string]*appLog)}
	w.stopped.Go(w.loop)
	return w
}

// close stores what waits, and returns when that is done. Of a store that fails
// it asks nothing twice.
func (w *logWriter) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	close(w.closing)
	w.stopped.Wait()
}

// add takes lines of one app. It never waits for the store. A run that ends
// after the server has been closed prints to nobody.
func (w *logWriter) add(lines []storage.LogLine) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	a := w.app(lines[0].App)
	a.lines = append(a.lines, lines...)
	for _, l := range lines {
		a.size += logSize(l)
		w.size += logSize(l)
	}
	for w.size > logQueueBytes {
		w.shed()
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// app returns what waits of an app, which has its turn from now on. w.mu is
// held.
func (w *logWriter) app(id string) *appLog {
	a := w.apps[id]
	if a == nil {
		a = &appLog{id: id}
		w.apps[id] = a
		w.turns = append(w.turns, a)
	}
	return a
}

// shed drops the oldest lines of the app with the most, until what waits is
// little enough or another app has as much. w.mu is held.
func (w *logWriter) shed() {
	most, next := &appLog{}, 0
	for _, a := range w.apps {
		if a.size > most.size {
			most, next = a, most.size
		} else {
			next = max(next, a.size)
		}
	}
	for w.size > logQueueBytes && most.size >= next && len(most.lines) > 0 {
		w.pop(most)
		most.dropped++
	}
}

// pop takes the oldest line of an app. w.mu is held.
func (w *logWriter) pop(a *appLog) storage.LogLine {
	l := a.lines[0]
	a.lines[0] = storage.LogLine{} // lets go of its text
	a.lines = a.lines[1:]
	a.size -= logSize(l)
	w.size -= logSize(l)
	return l
}

func logSize(l storage.LogLine) int { return len(l.Text) + len(l.RequestID) + logLineBytes }

// take returns the next batch, a line of each app in turn, and whether more
// waits.
func (w *logWriter) take() (batch []logEntry, more bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for size := 0; len(w.turns) > 0 && len(batch) < logBatchLines && size < logBatchBytes; {
		a := w.turns[0]
		w.turns = w.turns[1:]
		var e logEntry
		if a.dropped > 0 {
			e, a.dropped = dropNote(a), 0
		} else {
			e.LogLine = w.pop(a)
		}
		batch = append(batch, e)
		size += logSize(e.LogLine)
		if len(a.lines) > 0 {
			w.turns = append(w.turns, a)
		} else {
			delete(w.apps, a.id)
		}
	}
	return batch, len(w.turns) > 0
}

// dropNote is the line in place of those that were dropped.
func dropNote(a *appLog) logEntry {
	at := time.Now()
	if len(a.lines) > 0 {
		at = a.lines[0].Time
	}
	text := droppedLines(a.dropped) + ": more was printed than could be stored"
	return logEntry{storage.LogLine{App: a.id, Time: at, Level: "warn", Text: text}, a.dropped}
}

func droppedLines(n int) string {
	if n == 1 {
		return "1 line was dropped"
	}
	return fmt.Sprintf("%d lines were dropped", n)
}

func (w *logWriter) loop() {
	for open := true; open; {
		select {
		case <-w.wake:
		case <-w.closing:
			open = false
		}
		w.drain()
	}
}

// drain stores what waits, a batch each interval.
func (w *logWriter) drain() {
	for more := true; more; {
		w.wait(logInterval)
		var batch []logEntry
		batch, more = w.take()
		if len(batch) > 0 && !w.write(batch) {
			more = w.lost(batch)
		}
	}
}

// wait waits, but not when the server is closing.
func (w *logWriter) wait(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-w.closing:
	}
}

// write stores a batch, and reports whether it could. A commit whose outcome is
// not known is tried again like any other: a line twice is better than none.
func (w *logWriter) write(batch []logEntry) bool {
	lines := make([]storage.LogLine, len(batch))
	for i, e := range batch {
		lines[i] = e.LogLine
	}
	pause := 2 * logInterval
	for attempt := 1; ; attempt++ {
		err := w.store(context.Background(), lines)
		if err == nil {
			return true
		}
		if attempt == logAttempts || w.isClosed() {
			w.logger.Error("lines that apps printed could not be stored and are lost", "lines", len(lines), "error", err)
			return false
		}
		if attempt == 1 {
			w.logger.Warn("lines that apps printed could not be stored; trying again", "lines", len(lines), "error", err)
		}
		w.wait(pause)
		pause *= 2
	}
}

func (w *logWriter) isClosed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closed
}

// lost counts a batch as dropped, so that the log says so when the store is
// well again, and reports whether there is something to go on with. Nobody
// waits for that while the server closes.
func (w *logWriter) lost(batch []logEntry) (more bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		n := 0
		for _, a := range w.apps {
			n += len(a.lines)
		}
		if n > 0 {
			w.logger.Error("lines that apps printed are lost with them", "lines", n)
		}
		w.apps, w.turns, w.size = make(map[string]*appLog), nil, 0
		return false
	}
	for _, e := range batch {
		w.app(e.App).dropped += max(1, e.dropped)
	}
	return true
}
