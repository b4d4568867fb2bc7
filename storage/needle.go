package storage

// Needle returns a text that every document has in its JSON text that matches, as long
// as there is no backslash in it; or "", if there is none. An engine that looks
// through many documents at once looks for it first, and matches only where it is.
//
// Without a backslash a string is written as it is, whatever is around it. A value that
// can't be written like that has no match among such documents, and so the needle
// may be anything.
func (e *Expr) Needle() string {
	switch e.Op {
	case OpEq:
		if e.Value.Kind == String {
			return e.Value.String + `"`
		}
	case OpPrefix:
		return `"` + e.Value.String
	case OpContains:
		if e.Value.Kind == String {
			return e.Value.String
		}
	case OpIn:
		if len(e.Value.Array) == 1 && e.Value.Array[0].Kind == String {
			return e.Value.Array[0].String + `"`
		}
	case OpAnd:
		return longestNeedle(e.Sub)
	}
	return e.fieldNeedle()
}

// longestNeedle returns that which is likely to be in the fewest documents.
func longestNeedle(all []*Expr) string {
	longest := ""
	for _, sub := range all {
		if n := sub.Needle(); len(n) > len(longest) {
			longest = n
		}
	}
	return longest
}

// fieldNeedle is for a condition that can only hold where the field is there: its
// name. That of an array's element stands nowhere.
func (e *Expr) fieldNeedle() string {
	switch {
	case e.Op == OpEq && e.Value.Kind != Null:
	case e.Op == OpIn && !e.set.null:
	case e.Op == OpContains, e.Op == OpGt, e.Op == OpGte, e.Op == OpLt, e.Op == OpLte:
	case e.Op == OpExists && e.Value.Bool:
	default:
		return ""
	}
	name := e.Path[len(e.Path)-1]
	if index(name) >= 0 {
		return ""
	}
	return `"` + name + `"`
}
