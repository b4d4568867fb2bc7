// Package demand remembers what finds have lately read, for indexes that make themselves.
// It is shared by the engines of package storage.
package demand

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

// FewDocuments is how many a find may read without being asked why.
const FewDocuments = 64

const (
	// maxAsked is how many collections are remembered whose finds read much, and
	// maxAskedOfApp how many of one app. Beyond, the one is forgotten of which the least was
	// asked.
	maxAsked, maxAskedOfApp = 512, 32
	// maxAskedFields is the same for the fields of a collection.
	maxAskedFields = 16
	// maxKeys is how many fields of collections are remembered that have an index.
	maxKeys = 4096
	// maxKeptRanges is how much is remembered of what a find asked of a field.
	maxKeptRanges = 4
	// forgetEvery is how often half of what was asked is forgotten, so that an index is made
	// for what is asked now.
	forgetEvery = time.Hour
)

// Demand is what finds have lately read, and which indexes they used. It is in memory
// alone: after a restart it begins anew, and an index is made that much later.
type Demand struct {
	mu          sync.Mutex
	collections map[Collection]*Asked
	used        map[int64]time.Time // indexes, since they were last written down
	keys        map[Key]Index       // indexes that finds have lately read few documents by
	forgot      time.Time           // when half was forgotten
	grown       bool                // something was read since it was looked at
}

// Collection names a collection of all users of an app.
type Collection struct{ App, Name string }

// Asked is what was asked of one collection.
type Asked struct {
	Finds, Inserts int64
	Fields         []Field
	Scans, Scanned int64 // never forgotten by halves
}

// Field is what was asked of one field of a collection.
type Field struct {
	Name          string
	Read          int64 // documents
	Sorted        int64 // those of Read that were for a sort, for which is known
	SortedInstead int64 // how many an index would have read
	// What the last find asked of it, and of whose documents.
	Ranges []storage.IndexRange
	User   string
}

// Cost is what one find has read.
type Cost struct {
	Read, Matched int64
}

// Finish notes a find that has ended, however it did.
func (m *Demand) Finish(key Collection, user string, q *storage.Expr, opt storage.FindOptions, cost Cost) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.collections[key]
	if a == nil {
		if cost.Read < storage.ScanDocuments {
			return
		}
		a = m.remember(key)
	}
	a.Finds++
	if cost.Read < FewDocuments {
		return
	}
	m.grown = true
	if cost.Read >= storage.ScanDocuments {
		a.Scans++
		a.Scanned += cost.Read
	}
	narrowed := q.IndexFields()
	for _, field := range narrowed {
		if f := a.field(field); f != nil {
			f.Read += cost.Read
			f.User = user
			f.Ranges, _ = q.IndexRanges(field)
			if n := len(f.Ranges); n > maxKeptRanges {
				f.Ranges = []storage.IndexRange{{From: f.Ranges[0].From, To: f.Ranges[n-1].To}}
			}
		}
	}
	if opt.Sort != "" && opt.Limit > 0 && cost.Matched > 0 && !slices.Contains(narrowed, opt.Sort) {
		if f := a.field(opt.Sort); f != nil {
			f.Read += cost.Read
			f.Sorted += cost.Read
			if want := int64(opt.Offset + opt.Limit); want < cost.Matched {
				f.SortedInstead += cost.Read / cost.Matched * want
			} else {
				f.SortedInstead += cost.Read
			}
		}
	}
}

// remember begins to, of a collection.
func (m *Demand) remember(key Collection) *Asked {
	if m.collections == nil {
		m.collections = make(map[Collection]*Asked)
		m.forgot = time.Now()
	}
	var least, leastOfApp Collection
	ofApp := 0
	for k, a := range m.collections {
		if k.App == key.App {
			if ofApp++; leastOfApp.App == "" || a.most() < m.collections[leastOfApp].most() {
				leastOfApp = k
			}
		}
		if least.App == "" || a.most() < m.collections[least].most() {
			least = k
		}
	}
	switch {
	case ofApp >= maxAskedOfApp:
		delete(m.collections, leastOfApp)
	case len(m.collections) >= maxAsked:
		delete(m.collections, least)
	}
	a := &Asked{}
	m.collections[key] = a
	return a
}

// most is how many documents were read for one field.
func (a *Asked) most() (most int64) {
	for i := range a.Fields {
		most = max(most, a.Fields[i].Read)
	}
	return most
}

// field finds what is known of a field, or begins to know it.
func (a *Asked) field(name string) *Field {
	least := 0
	for i := range a.Fields {
		if a.Fields[i].Name == name {
			return &a.Fields[i]
		}
		if a.Fields[i].Read < a.Fields[least].Read {
			least = i
		}
	}
	if storage.CheckKey("", "field", name) != nil {
		return nil
	}
	if len(a.Fields) < maxAskedFields {
		a.Fields = append(a.Fields, Field{})
		least = len(a.Fields) - 1
	}
	a.Fields[least] = Field{Name: strings.Clone(name)} // it may be a part of a long query
	return &a.Fields[least]
}

// Inserted notes a document that was inserted into a collection.
func (m *Demand) Inserted(key Collection) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a := m.collections[key]; a != nil {
		a.Inserts++
	}
}

// Use notes that a find reads by an index.
func (m *Demand) Use(id int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.used == nil {
		m.used = make(map[int64]time.Time)
	}
	m.used[id] = time.Now()
}

// TakeUsed returns which indexes were used since it was called last.
func (m *Demand) TakeUsed() map[int64]time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	used := m.used
	m.used = nil
	return used
}

// Worthwhile returns a copy of what was asked of collections that might get an index,
// if anything was since it was called last.
func (m *Demand) Worthwhile() map[Collection]Asked {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.forgetHalf(); !m.grown {
		return nil
	}
	m.grown = false
	found := make(map[Collection]Asked)
	for key, a := range m.collections {
		if a.most() >= storage.ScanDocuments && a.Inserts <= a.Finds {
			clone := *a
			clone.Fields = slices.Clone(a.Fields)
			found[key] = clone
		}
	}
	return found
}

func (m *Demand) forgetHalf() {
	now := time.Now()
	if now.Sub(m.forgot) < forgetEvery {
		return
	}
	m.forgot = now
	for _, a := range m.collections {
		a.Finds, a.Inserts = a.Finds/2, a.Inserts/2
		for i := range a.Fields {
			f := &a.Fields[i]
			f.Read, f.Sorted, f.SortedInstead = f.Read/2, f.Sorted/2, f.SortedInstead/2
		}
	}
}

// Settle forgets what was asked of a collection before it had the index that it has now.
func (m *Demand) Settle(key Collection) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a := m.collections[key]; a != nil {
		a.Fields = nil
	}
}

// Scans returns how many finds have read much of a collection, and how much.
func (m *Demand) Scans(key Collection) (scans, scanned int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a := m.collections[key]; a != nil {
		return a.Scans, a.Scanned
	}
	return 0, 0
}

// Key names a field of a user's collection, and what it is used for, and Index its
// index.
type (
	Key struct {
		Collection
		User, Field string
		InOrder     bool // of the index, rather than by one key
	}
	Index struct {
		ID    int64
		After int64 // a number below those of all documents when it was noted
	}
)

// NoteKey notes that a field has an index.
func (m *Demand) NoteKey(key Key, index Index) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.keys == nil || len(m.keys) >= maxKeys {
		m.keys = make(map[Key]Index)
	}
	key.Field = strings.Clone(key.Field)
	m.keys[key] = index
}

// Key returns the index that a field had lately.
func (m *Demand) Key(key Key) (index Index, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	index, ok = m.keys[key]
	return index, ok
}

// ForgetKeys is for a collection that was emptied: to read by its indexes from before
// where it began would be to step over all that is to be swept.
func (m *Demand) ForgetKeys(key Collection, user string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.keys, func(k Key, _ Index) bool { return k.Collection == key && k.User == user })
}
