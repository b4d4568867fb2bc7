package storage

import (
	"cmp"
	"strings"
)

// Match reports whether a stored document matches. Its text must be one that
// [NewDocument] or [Changes.Apply] made.
func (e *Expr) Match(body string) bool {
	switch e.Op {
	case OpAnd:
		for _, sub := range e.Sub {
			if !sub.Match(body) {
				return false
			}
		}
		return true
	case OpOr:
		for _, sub := range e.Sub {
			if sub.Match(body) {
				return true
			}
		}
		return false
	case OpNot:
		return !e.Sub[0].Match(body)
	}
	text, found := lookup(body, e.Path)
	return e.holds(text, found)
}

// holds tries one condition on the text of a value. What is missing counts as
// null, but for $exists. The text may be none of a value ([Expr.holdsAt]), as long as its
// strings and brackets have an end; the answer is of no account then.
func (e *Expr) holds(text string, found bool) bool {
	if e.Op == OpExists {
		return found == e.Value.Bool
	}
	if !found {
		text = "null"
	}
	switch e.Op {
	case OpEq:
		return equalText(text, &e.Value)
	case OpNe:
		return !equalText(text, &e.Value)
	case OpIn:
		return e.set.has(text)
	case OpNin:
		return !e.set.has(text)
	case OpContains:
		return contains(text, &e.Value)
	case OpPrefix:
		return kindOf(text) == String && strings.HasPrefix(textString(text), e.Value.String)
	}
	c, comparable := compareText(text, &e.Value)
	if !comparable {
		return false
	}
	switch e.Op {
	case OpGt:
		return c > 0
	case OpGte:
		return c >= 0
	case OpLt:
		return c < 0
	}
	return c <= 0
}

// kindOf tells the kind of a value from the first byte of its text.
func kindOf(text string) Kind {
	switch text[0] {
	case 'n':
		return Null
	case 't', 'f':
		return Bool
	case '"':
		return String
	case '[':
		return Array
	case '{':
		return Object
	}
	return Number
}

func textString(text string) string {
	s, err := decodeString(text, strings.IndexByte(text, '\\') >= 0)
	if err != nil {
		return "" // the text has been parsed before
	}
	return s
}

// parseStored parses a text that has been parsed before it was stored.
func parseStored(text string) Value {
	p := parser{text: text}
	v, err := p.value()
	if err != nil {
		return Value{}
	}
	return v
}

// number returns the double of a number's text. Most are whole and short, and exact
// as they are.
func number(text string) float64 {
	digits := text
	if text[0] == '-' {
		digits = text[1:]
	}
	const exact = 15 // digits that a double always has room for
	if len(digits) > exact {
		return parseStored(text).Number
	}
	n := int64(0)
	for i := range len(digits) {
		c := digits[i] - '0'
		if c > 9 {
			return parseStored(text).Number
		}
		n = 10*n + int64(c)
	}
	if len(digits) < len(text) {
		return -float64(n) // -0 too
	}
	return float64(n)
}

// equalText is equal for a value that has not been parsed.
func equalText(text string, v *Value) bool {
	if kindOf(text) != v.Kind {
		return false
	}
	switch v.Kind {
	case Null:
		return true
	case Bool:
		return (text[0] == 't') == v.Bool
	case String:
		if strings.IndexByte(text, '\\') < 0 {
			return text[1:len(text)-1] == v.String
		}
		return textString(text) == v.String
	case Number:
		return text == v.text || number(text) == v.Number
	}
	parsed := parseStored(text)
	return parsed.equal(v)
}

// compareText compares numbers with numbers and strings with strings; nothing
// else has an order.
func compareText(text string, v *Value) (int, bool) {
	if kindOf(text) != v.Kind {
		return 0, false
	}
	if v.Kind == String {
		return strings.Compare(textString(text), v.String), true
	}
	return cmp.Compare(number(text), v.Number), true
}

// contains reports whether an array has the element, or a string the text.
func contains(text string, v *Value) bool {
	switch kindOf(text) {
	case String:
		return v.Kind == String && strings.Contains(textString(text), v.String)
	case Array:
		if v.Kind == String && !strings.Contains(text, v.String) && strings.IndexByte(text, '\\') < 0 {
			return false // without a backslash an element is written as it is
		}
		s := skimmer{text: text}
		for more := s.enterIndex(0); more; more = s.enterNext() {
			start := s.pos
			if s.skip(); start < s.pos && equalText(text[start:s.pos], v) {
				return true
			}
		}
	}
	return false
}

// valueSet is the operand of $in: scalars are found at once, however many
// there are.
type valueSet struct {
	strings map[string]bool
	numbers map[float64]bool
	null    bool
	bools   [2]bool // false, true
	others  []Value
}

func newValueSet(values []Value) *valueSet {
	s := &valueSet{strings: make(map[string]bool), numbers: make(map[float64]bool)}
	for _, v := range values {
		switch v.Kind {
		case Null:
			s.null = true
		case Bool:
			if v.Bool {
				s.bools[1] = true
			} else {
				s.bools[0] = true
			}
		case Number:
			s.numbers[v.Number] = true
		case String:
			s.strings[v.String] = true
		default:
			s.others = append(s.others, v)
		}
	}
	return s
}

func (s *valueSet) has(text string) bool {
	switch kindOf(text) {
	case Null:
		return s.null
	case Bool:
		if text[0] == 't' {
			return s.bools[1]
		}
		return s.bools[0]
	case Number:
		return len(s.numbers) > 0 && s.numbers[number(text)]
	case String:
		return len(s.strings) > 0 && s.strings[textString(text)]
	}
	if len(s.others) == 0 {
		return false
	}
	parsed := parseStored(text)
	for i := range s.others {
		if s.others[i].equal(&parsed) {
			return true
		}
	}
	return false
}

// SortKey is what a find sorts by: the value of one field.
type SortKey struct {
	kind   Kind
	number float64
	text   string
}

// NewSortKey returns the key of a stored document. Values sort by kind first:
// null and missing, false, true, numbers, strings, arrays, objects. Arrays
// among themselves, and objects, have no order of their own and stay in that
// of insertion. The key is good as long as the body is: [SortKey.Clone] makes one to keep.
func NewSortKey(body string, path Path) SortKey {
	text, found := lookup(body, path)
	if !found {
		return SortKey{}
	}
	k := SortKey{kind: kindOf(text)}
	switch k.kind {
	case Bool:
		if text[0] == 't' {
			k.number = 1
		}
	case Number:
		k.number = number(text)
	case String:
		k.text = textString(text)
	}
	return k
}

// Clone returns a key that holds nothing of the body.
func (k SortKey) Clone() SortKey {
	k.text = strings.Clone(k.text)
	return k
}

// Size is how many bytes of text the key holds.
func (k SortKey) Size() int { return len(k.text) }

// Compare returns -1, 0 or 1.
func (k SortKey) Compare(other SortKey) int {
	return cmp.Or(cmp.Compare(k.kind, other.kind), cmp.Compare(k.number, other.number), strings.Compare(k.text, other.text))
}
