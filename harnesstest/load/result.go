package load

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Result is what a load saw. Each request is in OK, Refused, Wrong or Errors, once.
type Result struct {
	// Elapsed is from the first request to the last answer, but at least as long as
	// requests were due.
	Elapsed time.Duration
	// OK are the latencies of the good answers.
	OK *Histogram
	// Refused are those of answers 429 and 503.
	Refused *Histogram
	// NoRetryAfter counts the refusals that don't say when to come again.
	NoRetryAfter int64
	// Wrong are those of all other answers.
	Wrong *Histogram
	// Statuses counts answers by status.
	Statuses map[int]int64
	// Errors counts the requests without an answer, by kind.
	Errors map[Kind]int64
	// Examples are the first few errors, of wrong answers and of none.
	Examples []error
	// Lag is how late requests were sent by the generator's own doing.
	Lag *Histogram
	// Invalid says why the latencies and the rate are no measure of the server, and is
	// empty where they are one.
	Invalid string
}

// maxExamples bounds Result.Examples.
const maxExamples = 5

// Requests is how many were sent, or should have been.
func (r *Result) Requests() int64 {
	n := r.OK.Count() + r.Refused.Count() + r.Wrong.Count()
	for _, failed := range r.Errors {
		n += failed
	}
	return n
}

// Rate is the good answers a second.
func (r *Result) Rate() float64 { return float64(r.OK.Count()) / r.Elapsed.Seconds() }

// Err is nil where every request had a good answer and the result is valid.
func (r *Result) Err() error {
	var faults []string
	if n := r.Refused.Count(); n > 0 {
		faults = append(faults, fmt.Sprintf("%d refused", n))
	}
	if n := r.Wrong.Count(); n > 0 {
		faults = append(faults, fmt.Sprintf("%d with a wrong answer", n))
	}
	for _, kind := range slices.Sorted(maps.Keys(r.Errors)) {
		faults = append(faults, fmt.Sprintf("%d %s", r.Errors[kind], kind))
	}
	switch {
	case len(faults) > 0 && len(r.Examples) > 0:
		return fmt.Errorf("load: of %d requests %s: %w", r.Requests(), strings.Join(faults, ", "), r.Examples[0])
	case len(faults) > 0:
		return fmt.Errorf("load: of %d requests %s", r.Requests(), strings.Join(faults, ", "))
	case r.Invalid != "":
		return errors.New("load: invalid: " + r.Invalid)
	}
	return nil
}

// Histogram is a distribution of times, at two significant figures, from 1 us to an
// hour; what is longer counts as an hour.
type Histogram struct{ hdr *hdrhistogram.Histogram }

const longest = time.Hour

// newHistogram has two figures: three take eight times the memory, which a test that
// runs beside the server would count as the server's.
func newHistogram() *Histogram {
	return &Histogram{hdrhistogram.New(1, int64(longest/time.Microsecond), 2)}
}

// Count is how many times are in it.
func (h *Histogram) Count() int64 { return h.hdr.TotalCount() }

// At is the time that a percentage of all of them don't exceed: At(50) is the median.
// It is 0 where there are none.
func (h *Histogram) At(percentile float64) time.Duration {
	return time.Duration(h.hdr.ValueAtQuantile(percentile)) * time.Microsecond
}

// Max is the longest of them.
func (h *Histogram) Max() time.Duration { return time.Duration(h.hdr.Max()) * time.Microsecond }

// Mean is their mean.
func (h *Histogram) Mean() time.Duration {
	return time.Duration(h.hdr.Mean() * float64(time.Microsecond))
}

func (h *Histogram) record(d time.Duration) {
	// Its only error is a value out of range.
	_ = h.hdr.RecordValue(max(1, min(d, longest).Microseconds()))
}

// recorder keeps what becomes of the requests.
type recorder struct {
	mu   sync.Mutex
	seen Result
}

func newRecorder() *recorder {
	return &recorder{seen: Result{
		OK: newHistogram(), Refused: newHistogram(), Wrong: newHistogram(), Lag: newHistogram(),
		Statuses: map[int]int64{}, Errors: map[Kind]int64{},
	}}
}

func (r *recorder) failed(kind Kind, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen.Errors[kind]++
	r.example(fmt.Errorf("%s: %w", kind, err))
}

func (r *recorder) answered(a Answer, wrong error, latency, lag time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen.Lag.record(lag)
	r.seen.Statuses[a.Status]++
	switch {
	case a.refused():
		r.seen.Refused.record(latency)
		if a.RetryAfter == "" {
			r.seen.NoRetryAfter++
		}
	case wrong != nil:
		r.seen.Wrong.record(latency)
		r.example(wrong)
	default:
		r.seen.OK.record(latency)
	}
}

func (r *recorder) example(err error) {
	if len(r.seen.Examples) < maxExamples {
		r.seen.Examples = append(r.seen.Examples, err)
	}
}

// result is what was seen until now, when nobody records any more.
func (r *recorder) result(elapsed, maxLag time.Duration) *Result {
	all := &r.seen
	all.Elapsed = elapsed
	if lag := all.Lag.At(99); lag > maxLag {
		all.Invalid = fmt.Sprintf("the generator fell behind: the 99th percentile of its lag was %v, and %v is the most", lag.Round(100*time.Microsecond), maxLag)
	}
	return all
}
