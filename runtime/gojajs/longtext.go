package gojajs

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/dop251/goja"
)

// Methods that take a microsecond for each character, or give back many for one,
// get a long text in pieces.
const (
	pieceLength = 10_000
	maxPiece    = 100_000 // a text is only cut before a space
)

// letters guards a method that changes the case of letters.
func letters(v *vm, native *goja.Object) goja.Value {
	f := pieces(v, native, code(native))
	return v.stand(native, func(c goja.FunctionCall) goja.Value {
		c.This = v.text(c.This)
		return v.wholeParts(c, f)
	})
}

// localeLetters guards a method that changes the case of letters as a locale has it.
func localeLetters(upper bool) guard {
	return func(v *vm, native *goja.Object) goja.Value {
		return v.stand(native, func(c goja.FunctionCall) goja.Value {
			c.This = v.text(c.This)
			change, err := v.formats().Case(c.Argument(0), upper)
			change = ours(v, change, err)
			c.Arguments = nil
			return v.wholeParts(c, pieces(v, native, func(c goja.FunctionCall) goja.Value {
				return v.js.ToValue(change.Text(c.This.String()))
			}))
		})
	}
}

// wholeParts calls a function with a text, or with what is between the halves of surrogate
// pairs that are in it: they stay as they are, and who changes letters makes U+FFFD of them.
func (v *vm) wholeParts(c goja.FunctionCall, f nativeFunc) goja.Value {
	s := c.This.(goja.String)
	if isASCII(s) || s.StrictEquals(v.wellFormed(s)) {
		return f(c)
	}
	var b goja.StringBuilder
	from := 0
	flush := func(to int) {
		if c.This = s.Substring(from, to); from < to {
			b.WriteString(v.str(f(c)))
		}
	}
	for i := 0; i < s.Length(); i++ {
		switch unit := rune(s.CharAt(i)); {
		case i+1 < s.Length() && utf16.DecodeRune(unit, rune(s.CharAt(i+1))) != utf8.RuneError:
			i++
		case utf16.IsSurrogate(unit):
			flush(i)
			b.WriteString(s.Substring(i, i+1))
			from = i + 1
		}
	}
	flush(s.Length())
	return b.String()
}

// inPieces guards a method of String.prototype that makes a text of a text. A
// piece begins with a space or a control character: what is before it has no
// say in what becomes of what is behind.
func inPieces(v *vm, native *goja.Object) goja.Value {
	return v.stand(native, pieces(v, native, code(native)))
}

// pieces calls f, as the native, with the pieces of a text.
func pieces(v *vm, native *goja.Object, f nativeFunc) nativeFunc {
	return func(c goja.FunctionCall) goja.Value {
		s := v.text(c.This)
		if a := c.Argument(0); !goja.IsUndefined(a) {
			c = with(c, 0, v.str(a))
		}
		if c.This = s; s.Length() <= pieceLength || isASCII(s) {
			return f(c)
		}
		var b goja.StringBuilder
		for from, size := 0, 0; from < s.Length(); {
			v.x.Check()
			to := v.pieceEnd(s, from)
			c.This = s.Substring(from, to)
			piece := v.str(f(c))
			if size += piece.Length(); size > v.maxText() {
				v.tooLong(native.Get("name").String())
			}
			b.WriteString(piece)
			from = to
		}
		return b.String()
	}
}

func (v *vm) pieceEnd(s goja.String, from int) int {
	for to := from + pieceLength; to < s.Length(); to++ {
		if s.CharAt(to) <= ' ' {
			return to
		}
		if to-from > maxPiece {
			v.rangeError("the text has more than " + strconv.Itoa(maxPiece) + " characters without a space")
		}
	}
	return s.Length()
}

// compared bounds what localeCompare looks at.
func compared(v *vm, c goja.FunctionCall) goja.FunctionCall {
	a, b := v.text(c.This), v.str(c.Argument(0))
	if max(a.Length(), b.Length()) > maxPiece {
		v.rangeError("localeCompare: a text is longer than " + strconv.Itoa(maxPiece) + " characters")
	}
	c.This = a
	return with(c, 0, b)
}

// encoded bounds what becomes of a text whose characters become three each, or
// nine.
func encoded(v *vm, c goja.FunctionCall) goja.FunctionCall {
	s, most := v.str(c.Argument(0)), 3
	if !isASCII(s) {
		most = 9
	}
	if s.Length() > v.maxText()/most {
		v.tooLong("encoding")
	}
	return with(c, 0, s)
}
