package frontdoor

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fazt-sh/fazt/api"
)

const (
	// accessQueue is how many lines wait to be written: a second of a flood.
	accessQueue = 8192
	// accessText is how much of a host, a path or a user agent is written, in bytes.
	accessText = 1024
	// accessCheck is how often it is looked whether the file has been moved away.
	accessCheck = time.Second
	// accessFlush is how long Close waits for a file that does not take the lines.
	accessFlush = 2 * time.Second
)

// AccessFormat is how the lines of an [AccessLog] look.
type AccessFormat string

// The formats.
const (
	// AccessJSON is an object a line: time, request_id, client, method, host, path,
	// proto, status, bytes, duration_ms, user_agent.
	AccessJSON AccessFormat = "json"
	// AccessCommon is the Common Log Format, which has no host.
	AccessCommon AccessFormat = "common"
)

// AccessLog writes a line for each request, of any listeners and Doors. A request
// never waits for it: a goroutine writes, and what comes while too much waits is
// dropped and counted. A query is not written, since codes of sign-in and signatures
// of URLs are in it, nor is a Referer.
//
// A file is opened anew when somebody has moved or removed it, within a second, and by
// [AccessLog.Reopen]. It grows without bound: rotate it.
type AccessLog struct {
	path   string // "": out is not ours
	out    io.Writer
	format AccessFormat
	log    *slog.Logger

	lines   chan accessLine
	reopen  chan struct{}
	done    chan struct{} // closed when all is written after the end
	dropped atomic.Uint64

	mu    sync.RWMutex // held to end
	ended bool
}

// accessLine is a request that was answered.
type accessLine struct {
	at     time.Time
	took   time.Duration
	id     string
	client string
	method string
	host   string
	path   string
	proto  string
	agent  string
	status int // 0: nothing was sent
	bytes  int64
}

// NewAccessLog writes to a writer, which it does not close.
func NewAccessLog(w io.Writer, format AccessFormat, log *slog.Logger) (*AccessLog, error) {
	return startAccessLog(&AccessLog{out: w}, format, log)
}

// OpenAccessLog appends to a file, and makes it, for its owner alone, if there is none.
// What is wrong with it later goes to log, which may be nil.
func OpenAccessLog(path string, format AccessFormat, log *slog.Logger) (*AccessLog, error) {
	f, err := openAppend(path)
	if err != nil {
		return nil, fmt.Errorf("frontdoor: the access log can't be opened: %w", err)
	}
	a, err := startAccessLog(&AccessLog{path: path, out: f}, format, log)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return a, nil
}

func openAppend(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

func startAccessLog(a *AccessLog, format AccessFormat, log *slog.Logger) (*AccessLog, error) {
	if format != AccessJSON && format != AccessCommon {
		return nil, fmt.Errorf("frontdoor: an access log in format %q is unknown; give %s or %s", format, AccessJSON, AccessCommon)
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	a.format, a.log = format, log
	a.lines, a.reopen, a.done = make(chan accessLine, accessQueue), make(chan struct{}, 1), make(chan struct{})
	go a.write()
	return a, nil
}

// Wrap logs the requests to next. public is what of a path may be written; nil is all.
func (a *AccessLog) Wrap(next http.Handler, public func(path string) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := &accessWriter{ResponseWriter: w}
		began := time.Now()
		defer func() { // of a handler that panics, too
			path := r.URL.Path
			if public != nil {
				path = public(path)
			}
			a.add(accessLine{
				at: began, took: time.Since(began), id: w.Header().Get(api.RequestIDHeader), client: clientAddr(r).String(),
				method: r.Method, host: r.Host, path: path, proto: r.Proto, agent: r.UserAgent(), status: out.status, bytes: out.bytes,
			})
		}()
		next.ServeHTTP(out, r)
		if out.status == 0 {
			out.status = http.StatusOK // net/http says so for a handler that says nothing
		}
	})
}

// add queues a line, or drops it.
func (a *AccessLog) add(l accessLine) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if !a.ended {
		select {
		case a.lines <- l:
			return
		default:
		}
	}
	a.dropped.Add(1)
}

// Dropped is how many lines were not written.
func (a *AccessLog) Dropped() uint64 { return a.dropped.Load() }

// Reopen opens the file anew, as after a rotation. It does nothing to a writer.
func (a *AccessLog) Reopen() {
	select {
	case a.reopen <- struct{}{}:
	default: // it is under way
	}
}

// Close writes what waits, but for a file that is stuck no longer than 2 s, and closes
// it. Requests that end later are not written.
func (a *AccessLog) Close() {
	a.mu.Lock()
	first := !a.ended
	a.ended = true
	a.mu.Unlock()
	if first {
		close(a.lines)
	}
	select {
	case <-a.done:
	case <-time.After(accessFlush):
	}
}

// accessWriter notes what was answered.
type accessWriter struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *accessWriter) WriteHeader(status int) {
	if w.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *accessWriter) wrote(n int64) {
	if w.bytes += n; w.status == 0 {
		w.status = http.StatusOK
	}
}

func (w *accessWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.wrote(int64(n))
	return n, err
}

// WriteString spares io.WriteString a copy.
func (w *accessWriter) WriteString(s string) (int, error) {
	n, err := io.WriteString(w.ResponseWriter, s)
	w.wrote(int64(n))
	return n, err
}

// ReadFrom spares io.Copy a buffer of its own.
func (w *accessWriter) ReadFrom(src io.Reader) (int64, error) {
	n, err := io.Copy(w.ResponseWriter, src)
	w.wrote(n)
	return n, err
}

// Unwrap is for [http.ResponseController].
func (w *accessWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// write is the goroutine that has the file.
func (a *AccessLog) write() {
	defer close(a.done)
	out := bufio.NewWriterSize(a.out, 64<<10)
	var text []byte
	checked, failing, waiting := time.Now(), false, uint64(0)
	flush := func() {
		err := out.Flush()
		if err != nil {
			a.dropped.Add(waiting)
			out.Reset(a.out) // an error would stay
		}
		if err != nil && !failing {
			a.log.Error("the access log can't be written; its lines are dropped until it can", "error", err)
		}
		failing, waiting = err != nil, 0
	}
	again := func() {
		flush()
		a.openAgain()
		out.Reset(a.out)
	}
	for {
		select {
		case <-a.reopen:
			again()
		case l, more := <-a.lines:
			if !more {
				flush()
				a.closeFile()
				return
			}
			if now := time.Now(); now.Sub(checked) > accessCheck {
				if checked = now; a.moved() {
					again()
				}
			}
			text = l.append(text[:0], a.format)
			if len(text) > out.Available() {
				flush()
			}
			out.Write(text) // into memory
			if waiting++; len(a.lines) == 0 {
				flush()
			}
		}
	}
}

// moved reports whether the file is no longer at its path.
func (a *AccessLog) moved() bool {
	if a.path == "" {
		return false
	}
	here, err := os.Stat(a.path)
	if err != nil {
		return true
	}
	open, err := a.out.(*os.File).Stat()
	return err != nil || !os.SameFile(here, open)
}

func (a *AccessLog) openAgain() {
	if a.path == "" {
		return
	}
	f, err := openAppend(a.path)
	if err != nil {
		a.log.Error("the access log can't be opened again; the file from before goes on", "error", err)
		return
	}
	a.closeFile()
	a.out = f
}

func (a *AccessLog) closeFile() {
	if a.path == "" {
		return
	}
	if err := a.out.(*os.File).Close(); err != nil {
		a.log.Error("the access log can't be closed", "error", err)
	}
}

// append adds the line to text.
func (l *accessLine) append(text []byte, format AccessFormat) []byte {
	if format == AccessCommon {
		return l.appendCommon(text)
	}
	line, err := json.Marshal(struct {
		Time      string  `json:"time"`
		RequestID string  `json:"request_id,omitempty"`
		Client    string  `json:"client"`
		Method    string  `json:"method"`
		Host      string  `json:"host"`
		Path      string  `json:"path"`
		Proto     string  `json:"proto"`
		Status    int     `json:"status"`
		Bytes     int64   `json:"bytes"`
		Duration  float64 `json:"duration_ms"`
		Agent     string  `json:"user_agent,omitempty"`
	}{
		l.at.UTC().Format("2006-01-02T15:04:05.000Z07:00"), l.id, l.client, l.method, cut(l.host), cut(l.path), l.proto,
		l.status, l.bytes, float64(l.took.Microseconds()) / 1000, cut(l.agent),
	})
	if err != nil { // of texts and numbers there is none
		return text
	}
	return append(append(text, line...), '\n')
}

// appendCommon is https://www.w3.org/Daemon/User/Config/Logging.html#common-logfile-format.
// The path is escaped as in a URL, so it has no quote and no space.
func (l *accessLine) appendCommon(text []byte) []byte {
	path := (&url.URL{Path: cut(l.path)}).EscapedPath()
	text = fmt.Appendf(text, "%s - - [%s] \"%s %s %s\" ", l.client, l.at.UTC().Format("02/Jan/2006:15:04:05 -0700"), l.method, path, l.proto)
	text = strconv.AppendInt(text, int64(l.status), 10)
	text = append(text, ' ')
	if l.bytes == 0 {
		return append(text, "-\n"...)
	}
	return append(strconv.AppendInt(text, l.bytes, 10), '\n')
}

// cut shortens a text, and takes the control characters out that JSON leaves in: a log
// may be read on a terminal.
func cut(s string) string {
	return strings.Map(func(r rune) rune {
		if 0x7f <= r && r <= 0x9f {
			return '?'
		}
		return r
	}, s[:min(len(s), accessText)])
}
