package js

import (
	"math"
	"strings"

	"github.com/fazt-sh/fazt/runtime"
)

// What a jsonWriter refuses, as JSON would lose it or it can't be compared with.

func (w *jsonWriter[V]) fail(format string, args ...any) error {
	err := runtime.Invalid(format, args...)
	if w.mode == modeData {
		if p := w.where(); p != "" {
			err.Message = p + ": " + err.Message
		}
	} else {
		err.Code = ""
	}
	return err
}

// lost refuses an object inside an answer of which JSON has nothing, though its author
// means what it stands for.
func (w *jsonWriter[V]) lost(v V) error {
	if w.r.Class(v) == "Promise" {
		return w.fail("it is a Promise, whose value isn't known yet; write await before what made it, and await Promise.all(list) for a list of them, such as list.map(async ...)")
	}
	if _, ok := w.r.Web(v, WebAnswer); ok {
		return w.fail("it is a Response; return the Response by itself, or put what it is made of there")
	}
	return nil
}

// empty closes an object of which nothing was written. What is stored may not lose by that
// what it has; an answer is what JSON.stringify makes of it, and the author is told.
func (w *jsonWriter[V]) empty(v V, depth int) error {
	class := w.r.Class(v)
	if class == "" && w.r.Kind(v) == KindError {
		class = "Error"
	}
	what, instead := "a "+class, "give what is in it, as a list or a text"
	switch class {
	case "":
		w.out = append(w.out, '}')
		return nil
	case "Promise":
		instead = "write await before what made it"
	case "Map":
		instead = "Object.fromEntries(map) or [...map] has what is in it"
	case "Set", "iterator":
		instead = "[..." + strings.ToLower(class) + "] has what is in it"
	case "Error":
		instead = "give its message, as in {error: error.message}"
	case "generator":
		instead = "what it yields has to be collected first"
	}
	if strings.Contains("EIei", class[:1]) {
		what = "an " + class
	}
	if !w.answer {
		return w.fail("%s would be stored as {}; %s", what, instead)
	}
	w.out = append(w.out, '}')
	if w.lossy == "" {
		w.lossy, w.placed = what+" is sent as {}; "+instead, depth
	}
	return nil
}

// exactValue refuses what an exact argument must not have, and writes a Date.
func (w *jsonWriter[V]) exactValue(v V, kind runtime.Kind, key string) (done bool, err error) {
	const code = "INVALID_QUERY"
	switch kind {
	case runtime.KindUndefined:
		if key != "" || len(w.path) > 0 {
			return false, w.inexact(code, "is undefined, which would match anything or change nothing; leave the field out, or use null")
		}
	case KindFunction, KindSymbol, KindBigInt, runtime.KindBytes:
		return false, w.inexact(code, "%s can't be compared with", kindName(kind))
	case KindObject:
		switch class := w.r.Class(v); class {
		case "":
		case "Date":
			ms := w.r.Number(v)
			if math.IsNaN(ms) {
				return false, w.inexact(code, "is an invalid Date")
			}
			return true, w.number(ms)
		default:
			return false, w.inexact(code, "a %s can't be compared with", class)
		}
	}
	return false, nil
}

func (w *jsonWriter[V]) inexact(code, format string, args ...any) error {
	err := w.fail(format, args...).(*runtime.HostError)
	err.Code = code
	return err
}
