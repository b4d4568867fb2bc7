package storage

// A find reads every document of a collection and tries the query on it, unless
// an id or an index says where the matches are. To read an entry of an index
// costs less than to scan a document, and to fetch the document that it leads to
// costs more. How many entries a query has can't be seen in the query, so they
// are counted: up to countFirst in each index that narrows the query, then
// countMore times as many, and so on, until one of them has no more. Beyond
// [MaxEntries] a scan is as good.
const (
	countFirst = 256
	countMore  = 16
	// MaxEntries is how many entries of an index a find counts, and reads, at
	// most.
	MaxEntries = countFirst * countMore * countMore
	// headStart is how many documents a find with a limit scans before many
	// entries are counted: if it has its matches then, none of that is needed.
	headStart = 4096
	// maxRanges is how many values of an $in are looked up one by one. Of more,
	// all that lies between the least and the greatest is read.
	maxRanges = 256
)

// Statistics are the indexes of a collection that have an entry for every
// document, and what is known about one query on it. An engine begins with the
// indexes alone.
type Statistics struct {
	Indexes []IndexStatistics
	// Tried says that the first documents were scanned, and Matches how many of
	// them matched.
	Tried   bool
	Matches int
}

// IndexStatistics is what is known about one index.
type IndexStatistics struct {
	ID    int64  // the engine's own
	Field string // a dotted path
	// Entries is how many entries the query has in the index, as far as they were
	// counted, and Complete says that there are no more.
	Entries  int
	Complete bool
}

// Count notes the answer to a Plan with CountEntries: how many entries there
// are, and if that is all. It is not, if there are more than the Plan's Limit.
func (s *Statistics) Count(p Plan, entries int, complete bool) {
	for i := range s.Indexes {
		if x := &s.Indexes[i]; x.ID == p.Index {
			x.Entries, x.Complete = entries, complete
			if !complete {
				x.Entries = max(entries, p.Limit)
			}
		}
	}
}

// Try notes the answer to a Plan with TryAll: how many documents matched.
func (s *Statistics) Try(matches int) { s.Tried, s.Matches = true, matches }

// Access is a way to the documents that a query can match, or to know which way
// to take. The documents are still to be matched.
type Access int

const (
	// ReadAll reads every document, in order of insertion.
	ReadAll Access = iota
	// ReadID reads the document with the id of the Plan.
	ReadID
	// ReadKey reads those whose entries have the one key of the Plan's only range,
	// in order of insertion, in which such entries lie.
	ReadKey
	// ReadEntries reads those whose entries were counted last, in order of
	// insertion.
	ReadEntries
	// ReadOrder reads those with entries in the Plan's ranges in the order of
	// the index, or backwards, until there are enough matches.
	ReadOrder
	// CountEntries decides nothing yet. The engine counts the entries in the
	// Plan's ranges, one more than its Limit at most, keeps what they lead to,
	// notes the count in the [Statistics], and asks again.
	CountEntries
	// TryAll decides nothing yet. The engine scans documents, as many as the
	// Plan's Limit at most, until as many match as the find asks for, notes in
	// the [Statistics] how many did, and asks again.
	TryAll
)

// Plan is how a find goes on.
type Plan struct {
	Access Access
	ID     string       // of ReadID
	Index  int64        // of ReadKey, ReadEntries, ReadOrder and CountEntries: the engine's number
	Ranges []IndexRange // of ReadKey, ReadOrder and CountEntries: apart from each other, in order
	Limit  int          // of CountEntries and TryAll
}

// NeedsIndexes reports whether an index could help a find. If not, [ChoosePlan]
// asks nothing about them.
func NeedsIndexes(q *Expr, opt FindOptions) bool {
	_, byID := q.ID()
	return !byID && (!q.MatchesAll() || inOrder(opt))
}

// inOrder reports whether an index in the order of the sort could help: it is
// no help to a find of all matches.
func inOrder(opt FindOptions) bool { return opt.Sort != "" && opt.Limit > 0 }

// ChoosePlan returns how a find with these options goes on, given what is known.
// It reads nothing itself. Count, Update and Delete are finds without options.
// After at most a few answers for each index the Plan is one that reads.
func ChoosePlan(q *Expr, opt FindOptions, known Statistics) Plan {
	if id, ok := q.ID(); ok {
		return Plan{Access: ReadID, ID: id}
	}
	found := candidates(q, known.Indexes)
	if inOrder(opt) {
		if ordered, ok := orderedBy(q, opt.Sort, known.Indexes); ok {
			return chooseSorted(found, ordered)
		}
	}
	want := 0
	if opt.Sort == "" && opt.Limit > 0 {
		want = opt.Offset + opt.Limit
	}
	return chooseUnsorted(found, want, known)
}

// candidate is an index, and where in it the query's matches are.
type candidate struct {
	IndexStatistics
	ranges []IndexRange
}

func (c *candidate) plan(a Access) Plan { return Plan{Access: a, Index: c.ID, Ranges: c.ranges} }

func (c *candidate) count(limit int) Plan {
	return Plan{Access: CountEntries, Index: c.ID, Ranges: c.ranges, Limit: limit}
}

// point reports whether the index gives the documents of one key.
func (c *candidate) point() bool { return len(c.ranges) == 1 && c.ranges[0].Point() }

// candidates returns the indexes that narrow the query.
func candidates(q *Expr, indexes []IndexStatistics) []candidate {
	var found []candidate
	for _, x := range indexes {
		if ranges, ok := q.IndexRanges(x.Field); ok {
			found = append(found, candidate{x, few(ranges)})
		}
	}
	return found
}

// few returns the ranges, or one that spans them if they are too many.
func few(ranges []IndexRange) []IndexRange {
	if len(ranges) <= maxRanges {
		return ranges
	}
	return []IndexRange{{From: ranges[0].From, To: ranges[len(ranges)-1].To}}
}

// orderedBy returns the index that has the documents in the order of a field.
func orderedBy(q *Expr, field string, indexes []IndexStatistics) (c candidate, ok bool) {
	for _, x := range indexes {
		if x.Field != field {
			continue
		}
		ranges, narrows := q.IndexRanges(field)
		if !narrows {
			ranges = []IndexRange{{From: []byte{0}, To: []byte{0xff}}}
		}
		return candidate{x, few(ranges)}, true
	}
	return c, false
}

// chooseSorted reads the index that has the order, unless there are so few
// matches that it is sooner to sort them.
func chooseSorted(found []candidate, ordered candidate) Plan {
	const limit = countFirst * countMore
	for i := range found {
		switch c := &found[i]; {
		case c.Complete:
			return c.plan(ReadEntries)
		case c.Entries < limit:
			return c.count(limit)
		}
	}
	return ordered.plan(ReadOrder)
}

// chooseUnsorted reads the only index that narrows the query as it lies, if that
// gives one key, and otherwise the first that has no more entries than were
// counted. want is how many matches are asked for, 0 for all.
func chooseUnsorted(found []candidate, want int, known Statistics) Plan {
	if len(found) == 1 && found[0].point() {
		return found[0].plan(ReadKey)
	}
	if len(found) == 0 {
		return Plan{Access: ReadAll}
	}
	for limit := countFirst; limit <= MaxEntries; limit *= countMore {
		for i := range found {
			switch c := &found[i]; {
			case c.Complete:
				return c.plan(ReadEntries)
			case c.Entries < limit:
				return c.count(limit)
			}
		}
		if limit == countFirst*countMore && want > 0 {
			if !known.Tried {
				return Plan{Access: TryAll, Limit: headStart}
			}
			if known.Matches >= want {
				return Plan{Access: ReadAll}
			}
		}
	}
	for i := range found {
		if found[i].point() {
			return found[i].plan(ReadKey)
		}
	}
	return Plan{Access: ReadAll}
}
