package gojajs

import (
	"strings"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
)

// goja compiles each regular expression itself, and refuses some that are valid, such
// as \p{Script=Greek} beside a look-behind. For those it is given another, and the
// object gets the source that was meant as a property of its own: that is all that
// is asked of goja's object.
const standIn = "(?:)"

// isRefused tells whether goja refuses a valid pattern.
func isRefused(source, flags string) bool {
	if !strings.Contains(source, `\p`) && !strings.Contains(source, `\P`) && !strings.Contains(source, `\c`) {
		return false // it takes all others
	}
	js := goja.New()
	takes := func(source string) bool {
		_, err := js.New(js.Get("RegExp"), js.ToValue(source), js.ToValue(flags))
		return err == nil
	}
	return takes(standIn) && !takes(source)
}

// replaceRefused makes a call of a literal that goja refuses.
func (rw *rewriter) replaceRefused(n *ast.RegExpLiteral) ast.Expression {
	if rw.refusal != nil || !isRefused(n.Pattern, n.Flags) {
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
