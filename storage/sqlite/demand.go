package sqlite

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

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

// demand is what finds have lately read, and which indexes they used. It is in memory
// alone: after a restart it begins anew, and an index is made that much later.
type demand struct {
	mu          sync.Mutex
	collections map[collectionName]*asked
	used        map[int64]time.Time // indexes, since they were last written down
	keys        map[fewKey]keyIndex // indexes that finds have lately read few documents by
	forgot      time.Time           // when half was forgotten
	grown       bool                // something was read since it was looked at
}

// collectionName names a collection of all users of an app.
type collectionName struct{ app, name string }

// asked is what was asked of one collection.
type asked struct {
	finds, inserts int64
	fields         []askedField
	scans, scanned int64 // never forgotten by halves
}

type askedField struct {
	name          string
	read          int64 // documents
	sorted        int64 // those of read that were for a sort, for which is known
	sortedInstead int64 // how many an index would have read
	// What the last find asked of it, and of whose documents.
	ranges []storage.IndexRange
	user   string
}

// findCost is what one find has read.
type findCost struct {
	read, matched int64
}

// finish notes a find that has ended, however it did.
func (m *demand) finish(key collectionName, user string, q *storage.Expr, opt storage.FindOptions, cost findCost) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.collections[key]
	if a == nil {
		if cost.read < storage.ScanDocuments {
			return
		}
		a = m.remember(key)
	}
	a.finds++
	if cost.read < firstRows {
		return
	}
	m.grown = true
	if cost.read >= storage.ScanDocuments {
		a.scans++
		a.scanned += cost.read
	}
	narrowed := q.IndexFields()
	for _, field := range narrowed {
		if f := a.field(field); f != nil {
			f.read += cost.read
			f.user = user
			f.ranges, _ = q.IndexRanges(field)
			if n := len(f.ranges); n > maxKeptRanges {
				f.ranges = []storage.IndexRange{{From: f.ranges[0].From, To: f.ranges[n-1].To}}
			}
		}
	}
	if opt.Sort != "" && opt.Limit > 0 && cost.matched > 0 && !slices.Contains(narrowed, opt.Sort) {
		if f := a.field(opt.Sort); f != nil {
			f.read += cost.read
			f.sorted += cost.read
			if want := int64(opt.Offset + opt.Limit); want < cost.matched {
				f.sortedInstead += cost.read / cost.matched * want
			} else {
				f.sortedInstead += cost.read
			}
		}
	}
}

// remember begins to, of a collection.
func (m *demand) remember(key collectionName) *asked {
	if m.collections == nil {
		m.collections = make(map[collectionName]*asked)
		m.forgot = time.Now()
	}
	var least, leastOfApp collectionName
	ofApp := 0
	for k, a := range m.collections {
		if k.app == key.app {
			if ofApp++; leastOfApp.app == "" || a.most() < m.collections[leastOfApp].most() {
				leastOfApp = k
			}
		}
		if least.app == "" || a.most() < m.collections[least].most() {
			least = k
		}
	}
	switch {
	case ofApp >= maxAskedOfApp:
		delete(m.collections, leastOfApp)
	case len(m.collections) >= maxAsked:
		delete(m.collections, least)
	}
	a := &asked{}
	m.collections[key] = a
	return a
}

// most is how many documents were read for one field.
func (a *asked) most() (most int64) {
	for i := range a.fields {
		most = max(most, a.fields[i].read)
	}
	return most
}

// field finds what is known of a field, or begins to know it.
func (a *asked) field(name string) *askedField {
	least := 0
	for i := range a.fields {
		if a.fields[i].name == name {
			return &a.fields[i]
		}
		if a.fields[i].read < a.fields[least].read {
			least = i
		}
	}
	if storage.CheckKey("", "field", name) != nil {
		return nil
	}
	if len(a.fields) < maxAskedFields {
		a.fields = append(a.fields, askedField{})
		least = len(a.fields) - 1
	}
	a.fields[least] = askedField{name: strings.Clone(name)} // it may be a part of a long query
	return &a.fields[least]
}

// inserted notes a document that was inserted into a collection.
func (m *demand) inserted(key collectionName) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a := m.collections[key]; a != nil {
		a.inserts++
	}
}

// use notes that a find reads by an index.
func (m *demand) use(id int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.used == nil {
		m.used = make(map[int64]time.Time)
	}
	m.used[id] = time.Now()
}

// takeUsed returns which indexes were used since it was called last.
func (m *demand) takeUsed() map[int64]time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	used := m.used
	m.used = nil
	return used
}

// worthwhile returns a copy of what was asked of collections that might get an index,
// if anything was since it was called last.
func (m *demand) worthwhile() map[collectionName]asked {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.forgetHalf(); !m.grown {
		return nil
	}
	m.grown = false
	found := make(map[collectionName]asked)
	for key, a := range m.collections {
		if a.most() >= storage.ScanDocuments && a.inserts <= a.finds {
			clone := *a
			clone.fields = slices.Clone(a.fields)
			found[key] = clone
		}
	}
	return found
}

func (m *demand) forgetHalf() {
	now := time.Now()
	if now.Sub(m.forgot) < forgetEvery {
		return
	}
	m.forgot = now
	for _, a := range m.collections {
		a.finds, a.inserts = a.finds/2, a.inserts/2
		for i := range a.fields {
			f := &a.fields[i]
			f.read, f.sorted, f.sortedInstead = f.read/2, f.sorted/2, f.sortedInstead/2
		}
	}
}

// settle forgets what was asked of a collection before it had the index that it has now.
func (m *demand) settle(key collectionName) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a := m.collections[key]; a != nil {
		a.fields = nil
	}
}

// scans returns how many finds have read much of a collection, and how much.
func (m *demand) scans(key collectionName) (scans, scanned int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a := m.collections[key]; a != nil {
		return a.scans, a.scanned
	}
	return 0, 0
}

// fewKey names a field of a user's collection, and what it is used for, and keyIndex its
// index.
type (
	fewKey struct {
		collectionName
		user, field string
		inOrder     bool // of the index, rather than by one key
	}
	keyIndex struct {
		id    int64
		after int64 // a number below those of all documents when it was noted
	}
)

// noteKey notes that a field has an index.
func (m *demand) noteKey(key fewKey, index keyIndex) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.keys == nil || len(m.keys) >= maxKeys {
		m.keys = make(map[fewKey]keyIndex)
	}
	key.field = strings.Clone(key.field)
	m.keys[key] = index
}

// key returns the index that a field had lately.
func (m *demand) key(key fewKey) (index keyIndex, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	index, ok = m.keys[key]
	return index, ok
}

// forgetKeys is for a collection that was emptied: to read by its indexes from before
// where it began would be to step over all that is to be swept.
func (m *demand) forgetKeys(key collectionName, user string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.keys, func(k fewKey, _ keyIndex) bool { return k.collectionName == key && k.user == user })
}
