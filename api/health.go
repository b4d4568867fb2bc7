package api

import (
	"context"
	"net/http"
	"time"
)

// Health says that the server is there.
type Health struct {
	Status  string `json:"status"` // "ok", or "degraded" while the data can't be reached: what is in memory is served
	Version string `json:"version"`
	Uptime  int64  `json:"uptime"` // seconds
}

// The states of a [Checkup].
const (
	HealthOK       = "ok"
	HealthDegraded = "degraded" // it serves, and somebody should look at it
	HealthFailing  = "failing"  // it can't read or write
)

// Checkup is how the server is, and what it depends on.
type Checkup struct {
	Health
	Reasons []string      `json:"reasons"` // why it is not ok, each a sentence
	Storage StorageHealth `json:"storage"`
	Backup  *BackupHealth `json:"backup,omitempty"` // without, it makes none by itself
}

// StorageHealth is how the store is. What is not known is 0.
type StorageHealth struct {
	ReadMS     float64 `json:"read_ms"`
	WriteMS    float64 `json:"write_ms"` // until it was on disk
	QueueDepth int     `json:"queue_depth"`
	DataBytes  int64   `json:"data_bytes"`
	LogBytes   int64   `json:"log_bytes"`  // the write-ahead log
	FreeBytes  int64   `json:"free_bytes"` // that the disk has left
	Durable    bool    `json:"durable"`    // what was acknowledged survives a crash of the machine that has the data
	Replicated bool    `json:"replicated"` // and the loss of that machine
	Settings   string  `json:"settings"`   // what decides that
}

// BackupHealth is how the backups are that a server makes by itself.
type BackupHealth struct {
	Last     *time.Time `json:"last,omitempty"` // when the newest good one was begun; nil before there is one
	Age      int64      `json:"age_seconds"`
	Every    int64      `json:"every_seconds"`
	Size     int64      `json:"size_bytes"`
	Failures int        `json:"failures"` // attempts since the last good one
	Error    string     `json:"error,omitempty"`
}

type healthParameters struct {
	Deep string `query:"deep" doc:"1 tries what the server depends on, and needs the scope read"`
}

// health answers whether the server is there, to anybody, and how it is to those who
// may read.
func (h *handler) health(w http.ResponseWriter, r *http.Request) error {
	if r.URL.Query().Get("deep") == "1" {
		if _, err := h.Authorize(r, ScopeRead); err != nil {
			return err
		}
		return h.checkup(w, r)
	}
	data, err := h.Service.Health(r.Context())
	return writeData(w, data, err)
}

// checkup answers how the server is. A monitor that only looks at statuses sees one
// that can't read or write.
func (h *handler) checkup(w http.ResponseWriter, r *http.Request) error {
	data, err := h.Service.Checkup(r.Context())
	if err != nil {
		return err
	}
	status := http.StatusOK
	if data.Status == HealthFailing {
		status = http.StatusServiceUnavailable
	}
	WriteJSON(w, status, answer{Data: data})
	return nil
}

// Health asks GET /api/health.
func (c *Client) Health(ctx context.Context) (*Health, error) {
	return get[Health](ctx, c, "/api/health")
}

// Checkup asks GET /api/system/health.
func (c *Client) Checkup(ctx context.Context) (*Checkup, error) {
	return get[Checkup](ctx, c, "/api/system/health")
}
