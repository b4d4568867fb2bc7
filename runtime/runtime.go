package runtime

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/runtime/internal/literal"
)

// Source is the server-side JavaScript of one version of an app.
type Source struct {
	// Files maps a slash-separated path inside the app to its text. Only these
	// can be reached by require: "api/main.js", "api/lib.js", "api/data.json".
	Files map[string]string
	// Maps are the source maps of those of Files that were made of others, by the file's
	// path: their text, up to 8 MiB each. With one, errors, stacks and what is logged
	// have the places in what the author wrote. One that can't be used is ignored.
	Maps map[string]string
	// Main is the path of the handler. Default: "api/main.js".
	Main string
	// Engine is "auto" or an engine's name. Default: "auto", the first engine
	// that can run the whole source.
	Engine string
}

// Request is what a handler sees of an HTTP request.
type Request struct {
	ID      string // request id
	Method  string
	Path    string // decoded, with /api
	Query   url.Values
	Params  map[string]string // the path's named parts
	Header  http.Header       // without the server's own credentials
	Cookies map[string]string
	IP      string
	Host    string
	// Body is the body as it came. IsText says that it is UTF-8 and of a type that is
	// text, JSON that it is of that type and well-formed. Form and Files hold the fields
	// of a urlencoded or multipart body; each has all that came under its name, in order.
	Body   []byte
	IsText bool
	JSON   json.RawMessage
	Form   url.Values
	Files  map[string][]UploadedFile
}

// ParseForm parses a query string, or a urlencoded body, as the URL standard has it,
// which knows no malformed one: a percent sign that begins no escape stands for itself,
// and only an ampersand separates.
//
// See https://url.spec.whatwg.org/#urlencoded-parsing.
func ParseForm(text string) url.Values {
	fields := make(url.Values)
	for part := range strings.SplitSeq(text, "&") {
		if part != "" {
			name, value, _ := strings.Cut(part, "=")
			name = literal.FormDecode(name)
			fields[name] = append(fields[name], literal.FormDecode(value))
		}
	}
	return fields
}

// UploadedFile is one file of a multipart body.
type UploadedFile struct {
	Name string
	Type string
	Data []byte
}

// Response is what a handler answered.
type Response struct {
	Status int
	Header http.Header // nil if the handler set none
	Body   []byte
	// ContentType is what Body is, for a response whose Header doesn't say it.
	ContentType string
	// Stream is what a host function left for its caller to send instead of
	// Body, see [Respond]. JavaScript never sees it.
	Stream any
}

// Line is one line that a handler logged.
type Line struct {
	Time  time.Time
	Level string // "debug", "info", "warn", "error"
	Text  string
}

// Result is the outcome of a run. It is never nil, also beside an error.
type Result struct {
	Response Response
	Log      []Line
	CPU      time.Duration // time on a slot and what was charged ([Charge]): brief host calls are part of it, others and the making of an interpreter are not

	// Memory is how many bytes the run is known to have had: those that it held (see
	// [Hold]) or, if that is more, by how much the heap had grown at a garbage
	// collection while no other run was there. It is 0 for most short runs.
	Memory int64

	// Place has the File, Line and Column where JavaScript was when the run was stopped
	// on its way. It is nil for one that ended by itself, or for an engine that can't tell.
	Place *Error
}

// Limits bound one run. Wall time is the context's deadline.
type Limits struct {
	// CPU is the time that JavaScript and [Brief] host calls may compute.
	// Default: 5 s.
	CPU time.Duration
	// Memory is how many bytes the run may make the heap grow, estimated, and how
	// many its host functions may [Hold]. A text that JavaScript makes is bounded,
	// too, see MaxText.
	// Default: 64 MiB.
	Memory int64
	// ResponseBytes bounds the body. Default: 32 MiB.
	ResponseBytes int
	// LogLines bounds the log; what comes after is dropped, and the last line
	// says so. Default: 1,000.
	LogLines int
	// Load is how long a program may take to be compiled, waiting included; see
	// [Runtime.Load]. Default: 10 s.
	Load time.Duration
	// SourceBytes bounds a program's text, all files together. How many words and
	// signs it has, how deep they nest and what its regular expressions take is
	// bounded, too, which source that people have written doesn't come near.
	// Default: 4 MiB.
	SourceBytes int
	// StackDepth bounds nested calls. Default: 400.
	StackDepth int
}

// MaxText is how long a text may be that JavaScript makes, an eighth of the
// memory: 8 Mi characters by default. What a native does with a text, or with two
// of them, is one step that nothing can end. 16 MB of memory that is new to the
// process take 6 ms to fill, and 50 while garbage is collected, as the collector
// signals the goroutine at every page.
func (l Limits) MaxText() int { return int(l.Memory / 8) }

// Gate decides when a run or a load may compute.
type Gate interface {
	// Enter admits a new run or load, or refuses it; its error is returned by Run or
	// Load.
	Enter(ctx context.Context) (Pass, error)
}

// Pass is a run's admission. A run leaves while it waits in a host function,
// and resumes after.
type Pass interface {
	// Leave gives the slot back.
	Leave()
	// Idle tells that the run spent time on its slot in a host function, before
	// it leaves that.
	Idle(time.Duration)
	// Charge tells that something without a slot has computed for the run.
	Charge(time.Duration)
	// Resume takes a slot again. Its error ends the run.
	Resume(ctx context.Context) error
	// Yield is asked about every half millisecond while the run is on a slot, by any
	// goroutine, mostly the run's own: whether the run is to leave and resume at its
	// next checkpoint.
	Yield() bool
	// Done ends the run, whether it has a slot or not.
	Done()
}
