package storage

import (
	"slices"
	"time"
)

// The rules by which indexes make themselves.
const (
	// MaxAutoIndexes is how many of them a collection has at most.
	MaxAutoIndexes = 8
	// ScanDocuments is how many documents a collection has at least before it gets
	// one. A find that reads as many counts as a scan.
	ScanDocuments = 1000
	// IndexIdle is how long an index that made itself stays when nobody uses it.
	IndexIdle = 7 * 24 * time.Hour

	// indexCost is what it costs to index a document, and entryCost to read one by its
	// entry, where to scan one costs 1 (BenchmarkIndexCost of package sqlite).
	indexCost, entryCost = 32, 16
)

// Demand is what has lately been asked of a collection, and the indexes that it has:
// what [ChooseIndexes] goes by.
type Demand struct {
	Documents int64 // those of all users, since an index has them all
	Finds     int64 // counts, updates and deletes by query among them
	Inserts   int64
	Fields    []FieldDemand
	Indexes   []IndexUse
}

// FieldDemand is about a field that finds have named by equality, range or sort.
type FieldDemand struct {
	Field string
	Read  int64 // how many documents those finds have read
	// Instead is how many they would have read with an index of the field.
	Instead int64
}

// saved is what an index would have saved, in documents scanned.
func (f *FieldDemand) saved() int64 { return f.Read - entryCost*f.Instead }

// Worthwhile reports whether an index that leads to nothing but matches would have saved
// more than it costs to make for so many documents.
func (f *FieldDemand) Worthwhile(documents int64) bool { return f.saved() > indexCost*documents }

// IndexUse is about an index that is there.
type IndexUse struct {
	ID        int64 // the engine's own
	Field     string
	Automatic bool          // it has made itself; the app did not ask for it
	Building  bool          // it is no help yet
	Idle      time.Duration // since it was used last, or made
}

// ChooseIndexes decides which field of a collection gets an index now, "" for none,
// and which indexes go. It reads nothing itself.
//
// A field gets one when the finds that named it would have saved more than it costs to
// make. It is one at a time, and what was asked before it was there is to be forgotten
// then: a find that names two fields asks for both, and is often content with
// one.
func ChooseIndexes(d Demand) (build string, drop []int64) {
	automatic, building := 0, false
	for _, x := range d.Indexes {
		switch {
		case x.Automatic && x.Idle >= IndexIdle:
			drop = append(drop, x.ID)
			continue
		case x.Automatic:
			automatic++
		}
		building = building || x.Building
	}
	if building || automatic >= MaxAutoIndexes || d.Documents <= ScanDocuments || d.Inserts > d.Finds {
		return "", drop
	}
	var most int64
	for i := range d.Fields {
		f := &d.Fields[i]
		saved := f.saved()
		if f.Worthwhile(d.Documents) && !d.indexed(f.Field) && (saved > most || saved == most && f.Field < build) {
			build, most = f.Field, saved
		}
	}
	return build, drop
}

func (d *Demand) indexed(field string) bool {
	return slices.ContainsFunc(d.Indexes, func(x IndexUse) bool { return x.Field == field })
}

// IndexFields returns the fields that the query names in such a way that an index of
// one would narrow it, each once, in order.
func (e *Expr) IndexFields() []string {
	fields := e.appendIndexFields(nil)
	slices.Sort(fields)
	return slices.Compact(fields)
}

func (e *Expr) appendIndexFields(fields []string) []string {
	switch e.Op {
	case OpAnd:
		for _, sub := range e.Sub {
			fields = sub.appendIndexFields(fields)
		}
	case OpOr, OpNot:
	default:
		if _, ok := e.ranges(); ok {
			fields = append(fields, e.Path.String())
		}
	}
	return fields
}

// CollectionIndexes is what an operator sees of a collection.
type CollectionIndexes struct {
	Collection string
	Documents  int64 // those of all users
	Indexes    []Index
	// Scans is how many finds read [ScanDocuments] or more since the store was
	// opened, as far as this process made them, and Scanned how many documents those
	// were.
	Scans, Scanned int64
}

// Index is an indexed field.
type Index struct {
	Field     string
	Automatic bool      // it has made itself, and goes when nobody has used it for a week in which a server ran
	Ready     bool      // finds use it
	UsedAt    time.Time // to the hour; zero: not since the deploy that brought it
}
