package fazt

import (
	"net/url"
	"time"
)

// What the external tests need of the inside.

// ValidBlobLink reports whether a query is that of a signed URL.
func ValidBlobLink(rawQuery string) bool {
	_, ok := parseBlobLink(&url.URL{RawQuery: rawQuery}, "app", []byte("a key of the test's own"), time.Now())
	return ok
}

// HasStatus reports whether a code is in the table of statuses.
func HasStatus(code string) bool {
	_, ok := statuses[code]
	return ok
}

// BodyBytes is how much the server counts of bodies in memory.
func BodyBytes(s *Server) int64 { return s.bodies.Stats().Used }

// Classify returns what a client sees of an error.
func Classify(err error) (status int, code string, retryable bool, details map[string]any) {
	f := explain(err)
	return f.Status, f.Code, f.Retryable, f.Details
}

// WritesWaiting is how many wait for the writer.
func WritesWaiting(s *Server) int { return s.store.Stats().Depth }

// LoadWaiters is how many requests wait for an app's handler to be loaded.
func LoadWaiters(s *Server, name string) (waiting int) {
	s.apps.each(func(a *app) {
		a.load.mu.Lock()
		defer a.load.mu.Unlock()
		if a.info.Name == name && a.load.flight != nil {
			waiting = a.load.flight.waiting
		}
	})
	return waiting
}
