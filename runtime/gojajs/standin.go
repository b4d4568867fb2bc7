package gojajs

import (
	"strings"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"

	"github.com/fazt-sh/fazt/runtime/internal/regexpcost"
)

// goja compiles each regular expression itself, and refuses some that are valid, such
// as \p{Script=Greek} beside a look-behind. For a long one it may take minutes and
// gigabytes, in one step. For those it is given another, and the object gets the source
// that was meant as a property of its own: that is all that is asked of goja's object.
const standIn = "(?:)"

// Costs, as of package regexpcost, of what goja may compile.
const (
	maxOwn        = 5000    // of one pattern, for which its time may grow with the square
	maxOwnProgram = 200_000 // of all literals in a file, some 200 ms
)

// isRefused tells whether goja refuses a valid pattern, or must not compile it as it is
// too large or comes after too many others.
func isRefused(source, flags string, large bool) bool {
	large = large || regexpcost.Of(source) > maxOwn
	if !large && !strings.Contains(source, `\p`) && !strings.Contains(source, `\P`) && !strings.Contains(source, `\c`) && !hasLongNumber(source) {
		return false // it takes all others
	}
	js := goja.New()
	takes := func(source string) bool {
		_, err := js.New(js.Get("RegExp"), js.ToValue(source), js.ToValue(flags))
		return err == nil
	}
	return takes(standIn) && (large || !takes(source))
}

// hasLongNumber tells whether there are four digits in a row, such as in a quantifier
// that goja can't count or a reference to a group that isn't there.
func hasLongNumber(source string) bool {
	n := 0
	for i := range len(source) {
		if source[i] < '0' || source[i] > '9' {
			n = 0
		} else if n++; n == 4 {
			return true
		}
	}
	return false
}

// replaceRefused makes a call of a literal that goja refuses or must not compile.
func (rw *rewriter) replaceRefused(n *ast.RegExpLiteral) ast.Expression {
	if rw.refusal != nil {
		return nil
	}
	cost := regexpcost.Of(n.Pattern) + regexpcost.Least
	if !isRefused(n.Pattern, n.Flags, rw.patterns+cost > maxOwnProgram) {
		rw.patterns += cost
		return nil
	}
	if rw.regexps == nil {
		rw.regexps = make(map[int]int)
	}
	rw.regexps[int(n.Idx)-1] = len(n.Literal)
	return call(funcPattern, n.Idx, stringLiteral(n.Pattern, n.Idx), stringLiteral(n.Flags, n.Idx))
}

// pattern makes the RegExp of such a literal.
func (v *vm) pattern(c goja.FunctionCall) goja.Value {
	obj, err := v.js.New(v.holder("RegExp"), v.js.ToValue(standIn), c.Argument(1))
	if err != nil {
		panic(rethrown(err))
	}
	v.meant = v.str(c.Argument(0))
	v.giveSource(obj)
	return obj
}

// giveSource gives a RegExp the source that it stands for, if it stands for one.
func (v *vm) giveSource(val goja.Value) {
	if v.meant == nil || !isRegExp(val) {
		return
	}
	_ = val.(*goja.Object).DefineDataProperty("source", v.meant, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	v.meant = nil
}
