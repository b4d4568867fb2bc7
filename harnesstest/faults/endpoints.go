package faults

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// What follows answers in place of an endpoint that a server under test asks, such as one
// of an issuer that it trusts.

// Answer answers with a status, a content type and a body, whatever was asked.
func Answer(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // fails only when the client has gone
	}
}

// Hang never answers, and ends when its client goes.
func Hang(_ http.ResponseWriter, r *http.Request) {
	// A server notices that a client has gone once its request is read.
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// Dribble answers by a JSON document that never ends, a byte every so often, so that no
// deadline for silence comes. It ends when its client goes.
func Dribble(every time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		tick := time.NewTicker(every)
		defer tick.Stop()
		for next := `{"issuer":"`; ; next = "x" {
			_, _ = io.WriteString(w, next)
			if http.NewResponseController(w).Flush() != nil {
				return
			}
			select {
			case <-tick.C:
			case <-r.Context().Done():
				return
			}
		}
	}
}

// HugeJSON answers by a JSON document with a text of n bytes.
func HugeJSON(n int64) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = writeHuge(w, n) // fails only when the client has gone
	}
}

// HugeGzip is HugeJSON in some thousandth of the bytes on the line, whatever the client
// accepts.
func HugeGzip(n int64) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_ = writeHuge(z, n)
		_ = z.Close()
	}
}

func writeHuge(w io.Writer, n int64) error {
	if _, err := io.WriteString(w, `{"issuer":"`); err != nil {
		return err
	}
	for piece := strings.Repeat("x", 64<<10); n > 0; n -= int64(len(piece)) {
		if _, err := io.WriteString(w, piece[:min(n, int64(len(piece)))]); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, `"}`)
	return err
}

// DeepJSON answers by a JSON document that is nested n deep.
func DeepJSON(n int) http.HandlerFunc {
	return Answer(http.StatusOK, "application/json", strings.Repeat(`{"keys":[`, n/2)+strings.Repeat("]}", n/2))
}

// RedirectLoop redirects to itself, without end.
func RedirectLoop(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, r.URL.Path+"?again", http.StatusFound)
}

// RedirectTo redirects elsewhere.
func RedirectTo(url string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, url, http.StatusFound) }
}

// CutOff ends the connection in the middle of its answer.
func CutOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", "1000")
	_, _ = fmt.Fprint(w, `{"issuer":`)
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}
