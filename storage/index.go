package storage

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
)

const (
	// MaxIndexes is how many fields of one collection may be indexed. Each
	// costs every insert as much as half a document does.
	MaxIndexes = 16
	// MaxIndexedCollections is how many collections of an app may have some: a
	// deploy makes and drops them in one transaction.
	MaxIndexedCollections = 64
	// MaxIndexKey is how much of a value an index holds, in bytes. Values that
	// begin alike beyond it share a place, and are told apart by the document.
	MaxIndexKey = 128
)

// CheckIndexes returns an [Error] unless indexes, by collection, can be the
// indexed fields of an app: dotted paths, none twice, and at most [MaxIndexes]
// of them in a collection, and [MaxIndexedCollections] of these.
func CheckIndexes(op string, indexes map[string][]string) error {
	if n := len(indexes); n > MaxIndexedCollections {
		return &Error{Code: CodeInvalid, Op: op, Msg: fmt.Sprintf("indexes on %d collections, more than %d", n, MaxIndexedCollections)}
	}
	for collection, fields := range indexes {
		if err := CheckKey(op, "collection", collection); err != nil {
			return err
		}
		if len(fields) > MaxIndexes {
			return &Error{Code: CodeInvalid, Op: op, Path: collection,
				Msg: fmt.Sprintf("%d indexes on one collection, more than %d", len(fields), MaxIndexes)}
		}
		for i, field := range fields {
			if err := CheckKey(op, "field of "+collection, field); err != nil {
				return err
			}
			if slices.Contains(fields[:i], field) {
				return &Error{Code: CodeInvalid, Op: op, Path: collection + "." + field, Msg: "the index is there twice"}
			}
		}
	}
	return nil
}

// IndexKey returns the form in which an index holds the value of a stored
// document at path: bytes that are the same for values that are equal, and that
// are in order as the values are. What is missing is held as null, so every
// document has one key in every index. An array is one value, as it is to $eq;
// an index says nothing about its elements, and $contains does not use one.
//
// Of a text that is no document, which something else has written, it is the key of
// what is missing.
func IndexKey(body string, path Path) (key []byte) {
	defer func() {
		if recover() != nil {
			key = []byte{byte(Null)}
		}
	}()
	text, found := lookup(body, path)
	if !found {
		return []byte{byte(Null)}
	}
	var v Value
	switch kindOf(text) {
	case String:
		v = Value{Kind: String, String: textString(text)}
	default:
		v = parseStored(text)
	}
	return v.indexKey()
}

// IndexTie returns the part of an index's key that decides the order of a sort.
// Keys with the same tie, if exact is false, are of values that may differ and
// lie in an order that a sort does not have: only the documents tell.
func IndexTie(key []byte) (tie []byte, exact bool) {
	switch {
	case len(key) > 0 && Kind(key[0]) >= Array:
		return key[:1], false
	case len(key) >= MaxIndexKey:
		return key, false
	}
	return key, true
}

// indexKey is the kind, by which values sort first, and then the value.
func (v *Value) indexKey() []byte {
	key := v.appendKey(make([]byte, 0, 16))
	return key[:min(len(key), MaxIndexKey)]
}

// appendKey stops some way beyond MaxIndexKey: nothing more will be kept.
func (v *Value) appendKey(b []byte) []byte {
	b = append(b, byte(v.Kind))
	if len(b) >= MaxIndexKey {
		return b
	}
	switch v.Kind {
	case Bool:
		if v.Bool {
			return append(b, 1)
		}
		return append(b, 0)
	case Number:
		return appendNumberKey(b, v.Number)
	case String:
		return append(b, v.String[:min(len(v.String), MaxIndexKey)]...)
	case Array:
		for i := range v.Array {
			if b = v.Array[i].appendKey(b); len(b) >= MaxIndexKey {
				break
			}
		}
	case Object:
		fields := slices.Clone(v.Fields) // equal objects may have them in any order
		slices.SortFunc(fields, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
		for i := range fields {
			b = append(b, fields[i].Name[:min(len(fields[i].Name), MaxIndexKey)]...)
			if b = fields[i].Value.appendKey(b); len(b) >= MaxIndexKey {
				break
			}
		}
	}
	return b
}

// appendNumberKey writes a double so that its bytes sort as numbers do: with
// the sign bit flipped if it is positive, and all bits if it is negative.
// Both zeros are one.
func appendNumberKey(b []byte, n float64) []byte {
	bits := math.Float64bits(n)
	switch {
	case n == 0:
		bits = 1 << 63
	case n < 0:
		bits = ^bits
	default:
		bits |= 1 << 63
	}
	return binary.BigEndian.AppendUint64(b, bits)
}

// IndexRange is the keys of an index from From up to and without To.
type IndexRange struct{ From, To []byte }

// Point reports whether the range is one key.
func (r IndexRange) Point() bool {
	last := len(r.To) - 1
	return last == len(r.From) && r.To[last] == 0 && bytes.Equal(r.From, r.To[:last])
}

// InRanges reports whether a key is in one of the ranges.
func InRanges(ranges []IndexRange, key []byte) bool {
	return slices.ContainsFunc(ranges, func(r IndexRange) bool {
		return bytes.Compare(r.From, key) <= 0 && bytes.Compare(key, r.To) < 0
	})
}

func pointRange(key []byte) IndexRange { return IndexRange{key, append(bytes.Clone(key), 0)} }

// kindRange is all keys of a kind.
func kindRange(k Kind) IndexRange { return IndexRange{[]byte{byte(k)}, []byte{byte(k) + 1}} }

// IndexRanges returns where an index of the field at path has the keys of all
// documents that match: apart from each other, in order. There may be others in
// the ranges, so each document is still to be matched. No ranges mean that
// nothing matches; ok is false if the query does not narrow the field.
func (e *Expr) IndexRanges(path string) (ranges []IndexRange, ok bool) {
	switch e.Op {
	case OpAnd:
		for _, sub := range e.Sub {
			narrowed, narrows := sub.IndexRanges(path)
			switch {
			case !narrows:
			case !ok:
				ranges, ok = narrowed, true
			default:
				ranges = intersect(ranges, narrowed)
			}
		}
		return ranges, ok
	case OpOr, OpNot:
		return nil, false
	}
	if e.Path.String() != path {
		return nil, false
	}
	return e.ranges()
}

// ranges returns where the keys are that one condition admits.
func (e *Expr) ranges() ([]IndexRange, bool) {
	switch e.Op {
	case OpEq:
		return []IndexRange{pointRange(e.Value.indexKey())}, true
	case OpIn:
		return pointRanges(e.Value.Array), true
	}
	r := kindRange(e.Value.Kind)
	key := e.Value.indexKey()
	switch e.Op {
	case OpGt, OpGte:
		r.From = key // also for $gt: others may share the key
	case OpLt, OpLte:
		r.To = append(key, 0)
	case OpPrefix:
		r.From = key
		if len(key) < MaxIndexKey {
			// No byte of UTF-8 is 0xff.
			r.To = append(bytes.Clone(key), 0xff)
		} else {
			r.To = append(bytes.Clone(key), 0)
		}
	default:
		return nil, false
	}
	return []IndexRange{r}, true
}

func pointRanges(values []Value) []IndexRange {
	keys := make([][]byte, len(values))
	for i := range values {
		keys[i] = values[i].indexKey()
	}
	slices.SortFunc(keys, bytes.Compare)
	ranges := []IndexRange{}
	for _, key := range slices.CompactFunc(keys, bytes.Equal) {
		ranges = append(ranges, pointRange(key))
	}
	return ranges
}

// intersect returns what two lists of ranges have in common.
func intersect(a, b []IndexRange) []IndexRange {
	common := []IndexRange{}
	for len(a) > 0 && len(b) > 0 {
		r := IndexRange{a[0].From, a[0].To}
		if bytes.Compare(b[0].From, r.From) > 0 {
			r.From = b[0].From
		}
		if bytes.Compare(b[0].To, r.To) < 0 {
			r.To = b[0].To
		}
		if bytes.Compare(r.From, r.To) < 0 {
			common = append(common, r)
		}
		if bytes.Compare(a[0].To, b[0].To) < 0 {
			a = a[1:]
		} else {
			b = b[1:]
		}
	}
	return common
}
