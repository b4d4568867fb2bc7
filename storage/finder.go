package storage

import (
	"math"
	"strings"
)

// A Finder looks through the texts of many documents at once, joined to one, for those
// that may match a query. It is far from matching each: a query asks something of one
// field, or of a few, and the finder goes from one place with that field's name, or
// with the value itself, to the next.
//
// Without a backslash a string is written as it is, whatever is around it; so the finder
// stops at every backslash too. What can't be written like that has no match where
// there is none.
type Finder struct {
	text   string
	any    []clue // a document that may match has one of them
	chosen bool
}

// clue is a text that every match has in its own.
type clue struct {
	text  string
	holds *Expr // nil, or what the text is the name of has to be a value that this holds for
	rare  int   // where in the text the byte is that is looked for

	options []clue // of which one is to be chosen
	at      int    // where the next one is, -1 for nowhere
}

const (
	// maxClues bounds how often a text is gone through.
	maxClues = 8
	// maxClue is how many bytes of a clue are looked for: of longer ones, many might be
	// compared to the end, at one place after another.
	maxClue = 32
	// maxValue is how far the end of a value is looked for: from many places, it may be
	// the same.
	maxValue = 1 << 10
	// sampleSize is how many bytes of a text tell which clue is the best, and matchCost
	// how many bytes are looked for in the time that one match takes.
	sampleSize, matchCost = 4 << 10, 30
)

// NewFinder returns what finds documents that may match e, or nil if nothing is faster
// than to match all.
func NewFinder(e *Expr) *Finder {
	any := clues(e)
	if len(any) == 0 || len(any) > maxClues {
		return nil
	}
	return &Finder{any: append(any, clue{text: `\`})}
}

// clues returns those of which every match has one, or none.
func clues(e *Expr) []clue {
	var found []clue
	switch e.Op {
	case OpOr:
		for _, sub := range e.Sub {
			of := clues(sub)
			if len(of) == 0 {
				return nil
			}
			found = append(found, of...)
		}
	case OpAnd:
		var options []clue
		for _, sub := range e.Sub {
			of := clues(sub)
			if len(of) == 1 {
				options = append(options, of[0].options...)
			} else if len(found) == 0 {
				found = of
			}
		}
		if len(options) > 0 {
			found = []clue{{options: options}}
		}
	default:
		if options := e.options(); len(options) > 0 {
			found = []clue{{options: options}}
		}
	}
	return found
}

// options are the clues to one condition. There is none where it may hold for a field
// that is missing.
func (e *Expr) options() (options []clue) {
	switch {
	case e.Op == OpPrefix:
		options = append(options, clue{text: `"` + e.Value.String})
	case e.Op == OpEq && e.Value.Kind == String:
		options = append(options, clue{text: `"` + e.Value.String + `"`})
	case e.Op == OpContains && e.Value.Kind == String:
		options = append(options, clue{text: e.Value.String})
	case e.Op == OpEq && e.Value.Kind != Null:
	case e.Op == OpIn && !e.set.null:
	case e.Op == OpContains, e.Op == OpGt, e.Op == OpGte, e.Op == OpLt, e.Op == OpLte:
	case e.Op == OpExists && e.Value.Bool:
	default:
		return nil
	}
	for i := range options {
		options[i].text = options[i].text[:min(len(options[i].text), maxClue)]
	}
	if len(options) > 0 && options[0].text == "" {
		options = nil
	}
	name := e.Path[len(e.Path)-1]
	if index(name) >= 0 { // an element's stands nowhere
		return options
	}
	named := clue{text: `"` + name + `"`, holds: e}
	if len(named.text) > maxClue {
		named = clue{text: named.text[:maxClue]}
	}
	return append(options, named)
}

// Look begins with a text.
func (f *Finder) Look(text string) {
	f.text = text
	if !f.chosen {
		f.choose()
	}
	for i := range f.any {
		f.any[i].at = f.any[i].next(text, 0)
	}
}

// Next returns where in the text, at a place or after it, something tells of a document
// that may match, or -1.
func (f *Finder) Next(from int) int {
	next := -1
	for i := range f.any {
		c := &f.any[i]
		if c.at >= 0 && c.at < from {
			c.at = c.next(f.text, from)
		}
		if c.at >= 0 && (next < 0 || c.at < next) {
			next = c.at
		}
	}
	return next
}

// next returns where the clue is, from a place on.
func (c *clue) next(text string, from int) int {
	for from+len(c.text) <= len(text) {
		i := strings.IndexByte(text[from+c.rare:], c.text[c.rare])
		if i < 0 {
			return -1
		}
		from += i
		end := from + len(c.text)
		if end <= len(text) && text[from:end] == c.text && (c.holds == nil || c.holds.holdsAt(text, end)) {
			return from
		}
		from++
	}
	return -1
}

// holdsAt reports whether a field's name ends here, and its value is one that e holds for,
// or has no end in sight: the sample is cut anywhere, and where the inside of a string
// looks like a field, what follows is no value and may go on to the end of the text.
func (e *Expr) holdsAt(text string, end int) bool {
	s := skimmer{text: text[:min(len(text), end+maxValue)], pos: end}
	s.space()
	if s.peek() != ':' {
		return s.pos == len(s.text)
	}
	s.pos++
	s.space()
	start := s.pos
	s.skip()
	return s.pos == len(s.text) || start < s.pos && e.holds(text[start:s.pos], true)
}

// choose tries all clues on the beginning of the text, and keeps those that cost least.
func (f *Finder) choose() {
	sample := f.text[:min(len(f.text), sampleSize)]
	for i := range f.any {
		c := &f.any[i]
		best := math.MaxInt
		for _, o := range c.options {
			if cost := o.try(sample); cost < best {
				best, *c = cost, o
			}
		}
	}
	f.chosen = true
}

// try finds the byte of the clue that is the rarest, and returns what it costs to look
// for it and to match what is found.
func (c *clue) try(sample string) int {
	cost := math.MaxInt
	for i := range len(c.text) {
		if n := strings.Count(sample, c.text[i:i+1]); n < cost {
			cost, c.rare = n, i
		}
	}
	for at := c.next(sample, 0); at >= 0; at = c.next(sample, at+1) {
		cost += matchCost
	}
	return cost
}
