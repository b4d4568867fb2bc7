// Package gaps keeps account of what a suite found lacking: what, how bad, and whether it
// is still so. An account outlives the run: merged with the file of the run before, what
// was found again is open, what was looked at and not found is resolved, and what nobody
// looked at stays as it was.
//
//	var found gaps.Tracker
//	found.Add(gaps.Gap{ID: "headers/slow", Severity: gaps.High, Description: "...", FoundBy: "Security/headers/slow"})
//	found.Looked("Security/headers/size")
//	err := found.Save("gaps.json") // merged with what is there
//	found.Verify(t)                // fails if a critical one is open
package gaps

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Severity is how bad a gap is.
type Severity string

// The severities, the worst first.
const (
	// Critical is data lost or given to the wrong person, or a server that stays down:
	// an open one fails the run.
	Critical Severity = "critical"
	// High is a promise that is broken.
	High Severity = "high"
	// Medium is a promise that is kept but in rare cases, or with a way around.
	Medium Severity = "medium"
	// Low is what costs nobody but those who look for it.
	Low Severity = "low"
)

var severities = []Severity{Critical, High, Medium, Low}

// Status is whether a gap is there.
type Status string

// The statuses.
const (
	Open     Status = "open"
	Resolved Status = "resolved"
)

// Gap is something that was found lacking.
type Gap struct {
	// ID names it for as long as it is known: the same finding has the same ID in every
	// run. Default: FoundBy.
	ID string `json:"id"`
	// Category is what it concerns, such as "Security". Default: what FoundBy begins
	// with, up to its slash.
	Category string `json:"category"`
	// Severity. Default: High.
	Severity Severity `json:"severity"`
	// Description is what was seen, and what should have been.
	Description string `json:"description"`
	// FoundBy is the check that found it, such as "Security/headers/slow".
	FoundBy string `json:"found_by"`
	// Fix is what to do about it. "" where nobody knows yet.
	Fix string `json:"fix,omitempty"`
	// Status. Default: Open.
	Status Status `json:"status"`
	// Reopened is how often it came back after it was resolved.
	Reopened int `json:"reopened,omitempty"`
}

// complete fills in the defaults, and says what can't be used.
func (g Gap) complete() (Gap, error) {
	g.ID = cmp.Or(g.ID, g.FoundBy)
	category, _, _ := strings.Cut(g.FoundBy, "/")
	g.Category = cmp.Or(g.Category, category)
	g.Severity, g.Status = cmp.Or(g.Severity, High), cmp.Or(g.Status, Open)
	switch {
	case g.ID == "":
		return g, errors.New("gaps: a gap without an id; give it ID or FoundBy")
	case !slices.Contains(severities, g.Severity):
		return g, fmt.Errorf("gaps: %s has the severity %q; it is one of %q", g.ID, g.Severity, severities)
	case g.Status != Open && g.Status != Resolved:
		return g, fmt.Errorf("gaps: %s has the status %q; it is open or resolved", g.ID, g.Status)
	}
	return g, nil
}

// Tracker is the account of one run. Its zero value is empty, and it may be used by
// several goroutines.
type Tracker struct {
	mu     sync.Mutex
	gaps   map[string]Gap
	looked map[string]bool
}

// Add notes a gap. One with the ID of another replaces it. A Gap that cannot be used is
// an error of the program: it panics.
func (t *Tracker) Add(g Gap) {
	g, err := g.complete()
	if err != nil {
		panic(err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.set(g)
}

func (t *Tracker) set(g Gap) {
	if t.gaps == nil {
		t.gaps = map[string]Gap{}
	}
	t.gaps[g.ID] = g
}

// Looked notes that a check ran to its end: what it found in earlier runs, and not in
// this one, is resolved. A check that was skipped or that never ended has not looked.
func (t *Tracker) Looked(foundBy string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.looked == nil {
		t.looked = map[string]bool{}
	}
	t.looked[foundBy] = true
}

// Merge takes in what earlier runs had found. IDs stay; a resolved gap that was found
// again is open, and counts that in Reopened; texts and severities are the newer ones,
// but for a Fix that only the earlier one has.
func (t *Tracker) Merge(earlier []Gap) error {
	var errs []error
	earlier = slices.Clone(earlier)
	for i, g := range earlier {
		var err error
		if earlier[i], err = g.complete(); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, before := range earlier {
		now, found := t.gaps[before.ID]
		switch {
		case found:
			now.Fix = cmp.Or(now.Fix, before.Fix)
			now.Reopened = before.Reopened
			if before.Status == Resolved && now.Status == Open {
				now.Reopened++
			}
		case t.looked[before.FoundBy]:
			now = before
			now.Status = Resolved
		default:
			now = before
		}
		t.set(now)
	}
	return nil
}

// Gaps are all that are known: open ones first, the worst first.
func (t *Tracker) Gaps() []Gap {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]Gap, 0, len(t.gaps))
	for _, g := range t.gaps {
		all = append(all, g)
	}
	slices.SortFunc(all, func(a, b Gap) int {
		return cmp.Or(cmp.Compare(a.Status, b.Status), // "open" comes first
			cmp.Compare(slices.Index(severities, a.Severity), slices.Index(severities, b.Severity)), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// Err names the critical gaps that are open, or is nil.
func (t *Tracker) Err() error {
	var errs []error
	for _, g := range t.Gaps() {
		if g.Severity == Critical && g.Status == Open {
			errs = append(errs, fmt.Errorf("gaps: critical and open: %s: %s", g.ID, g.Description))
		}
	}
	return errors.Join(errs...)
}

// Verify fails the test if a critical gap is open.
func (t *Tracker) Verify(tb testing.TB) {
	tb.Helper()
	if err := t.Err(); err != nil {
		tb.Error(err)
	}
}

// file is the form of a file of gaps.
type file struct {
	Version int   `json:"version"`
	Gaps    []Gap `json:"gaps"`
}

// version is that of the form. A program refuses a newer one.
const version = 1

// WriteJSON writes the account as [Read] reads it.
func (t *Tracker) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(file{version, t.Gaps()})
}

// Read reads an account that was written by [Tracker.WriteJSON].
func Read(r io.Reader) ([]Gap, error) {
	var f file
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return nil, fmt.Errorf("gaps: not a file of gaps: %w", err)
	}
	if f.Version != version {
		return nil, fmt.Errorf("gaps: a file of version %d, where this program knows %d; run the newer one", f.Version, version)
	}
	return f.Gaps, nil
}

// ReadFile reads an account from a file. One that is not there is empty.
func ReadFile(path string) ([]Gap, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("gaps: %w", err)
	}
	defer f.Close()
	found, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return found, nil
}

// Save merges the account with what a file has, if it is there, and writes the whole in
// its place: as Markdown where its name ends in .md, which cannot be merged, and as JSON
// otherwise.
func (t *Tracker) Save(path string) error {
	write := t.WriteMarkdown
	if filepath.Ext(path) != ".md" {
		write = t.WriteJSON
		earlier, err := ReadFile(path)
		if err == nil {
			err = t.Merge(earlier)
		}
		if err != nil {
			return err
		}
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("gaps: %w", err)
	}
	err = errors.Join(write(f), f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path) // a run that is stopped leaves the file as it was
	}
	if err != nil {
		return fmt.Errorf("gaps: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}
