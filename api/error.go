package api

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"time"
)

// RequestIDHeader carries a request's id in its answer. It is in the canonical
// form, so it may index an [http.Header].
const RequestIDHeader = "X-Request-Id"

// Error is an error as a client sees it: the content of the envelope.
type Error struct {
	// Status is the HTTP status, which the envelope does not repeat.
	Status int `json:"-"`
	// Code is in UPPER_SNAKE and for programs; it stays what it is.
	Code string `json:"code"`
	// Message is for people, and says what to do next.
	Message string `json:"message"`
	// Details have what is particular to the code, such as what was allowed and
	// what was used.
	Details map[string]any `json:"details,omitempty"`
	// RequestID finds the request in the server's log.
	RequestID string `json:"request_id,omitempty"`
	// Retryable reports whether the same request may succeed later.
	Retryable bool `json:"retryable,omitempty"`
	// RetryAfter is how long to wait before that. It is sent as the header
	// Retry-After, in whole seconds, rounded up. Zero sends none.
	RetryAfter time.Duration `json:"-"`
}

// Error is the message. A client shows the code, too.
func (e *Error) Error() string { return e.Message }

// MarshalEnvelope returns e in the envelope, as JSON.
func (e *Error) MarshalEnvelope() []byte { return marshal(envelope{e}) }

type envelope struct {
	Error *Error `json:"error"`
}

// SetHeader sets what a header says of e: how long to wait.
func (e *Error) SetHeader(h http.Header) {
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
}

// WriteError answers with e in the envelope. The request's id is the one that
// the answer's header has.
func WriteError(w http.ResponseWriter, e *Error) {
	said := *e
	said.RequestID = w.Header().Get(RequestIDHeader)
	e.SetHeader(w.Header())
	WriteJSON(w, e.Status, envelope{&said})
}

// WriteJSON answers with v. It panics when v can't be marshalled, so v is for
// types that can.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	body := marshal(v)
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Del("Content-Encoding")
	h.Del("Etag")
	w.WriteHeader(status)
	w.Write(body)
}

func marshal(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return body
}
