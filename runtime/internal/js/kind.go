package js

import "github.com/fazt-sh/fazt/runtime"

// Kinds of an engine's values, beside those that a [runtime.Value] has.
const (
	KindArray runtime.Kind = runtime.KindResponse + 1 + iota
	KindObject
	KindFunction
	KindSymbol
	KindBigInt
	KindError // an Error object
)

var kindNames = map[runtime.Kind]string{
	KindArray: "an array", KindObject: "an object", KindFunction: "a function", KindSymbol: "a symbol",
	KindBigInt: "a bigint", KindError: "an error",
}

// kindName is how messages call a value of a kind.
func kindName(k runtime.Kind) string {
	if name, ok := kindNames[k]; ok {
		return name
	}
	return k.String()
}

// isIdentifier reports whether a key can be written behind a dot.
func isIdentifier(s string) bool {
	for i, c := range s {
		if c != '_' && c != '$' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
