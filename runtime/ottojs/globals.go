package ottojs

import (
	"slices"
	"strings"

	"github.com/robertkrimen/otto/ast"
	"github.com/robertkrimen/otto/file"
	"github.com/robertkrimen/otto/token"

	"github.com/fazt-sh/fazt/runtime"
)

// newerGlobals are what goja has and otto has not. A program that reads one of them,
// without having declared it or asked by typeof whether it is there, is none for otto.
var newerGlobals = nameSet(`
	globalThis Symbol Map Set WeakMap WeakSet Proxy Reflect BigInt AggregateError
	Promise setTimeout clearTimeout queueMicrotask structuredClone Iterator CryptoKey
	ArrayBuffer DataView Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array
	Float32Array Float64Array BigInt64Array BigUint64Array`)

// standardGlobals are the standard objects that code would add methods to.
var standardGlobals = nameSet(`Object Function Array String Boolean Number Math Date RegExp JSON
	Error EvalError RangeError ReferenceError SyntaxError TypeError URIError`)

// newerMembers are what goja has of objects that both have: they need promises.
var newerMembers = map[string]string{"crypto": "subtle", "Array": "fromAsync"}

func nameSet(list string) map[string]bool {
	set := make(map[string]bool)
	for name := range strings.FieldsSeq(list) {
		set[name] = true
	}
	return set
}

// freeNames finds what a file wants of the global object: the names that nothing
// around them declares.
type freeNames struct {
	scopes   []map[string]bool
	newer    []need          // references to newerGlobals, as they stand in the text
	guarded  map[string]bool // names that typeof asks about, to do without them
	assigned map[string]bool // globals that the file makes itself
	asked    map[ast.Expression]bool
	tries    int    // try statements around
	needs    []need // what else is better on another engine, if there is a choice
}

// need is something that another engine has, or none.
type need struct {
	name    string
	at      file.Idx
	reason  string
	nowhere bool
}

func (n need) refusal(f *file.File) *runtime.Error {
	e := refusal(f, n.at, n.reason)
	if n.nowhere {
		no := runtime.NoGlobal(n.name)
		e.Message, e.Hint = no.Message, no.Hint
	}
	return e
}

// isElsewhere tells a global that another engine has, or another place.
func isElsewhere(name string) bool {
	_, missing := runtime.MissingGlobal(name)
	return missing || newerGlobals[name]
}

func findFreeNames(body *ast.FunctionLiteral) *freeNames {
	f := &freeNames{guarded: make(map[string]bool), assigned: make(map[string]bool), asked: make(map[ast.Expression]bool)}
	f.push(moduleParameters...)
	ast.Walk(f, body)
	f.needs = append(f.needs, findHalves(body)...)
	return f
}

func (f *freeNames) push(names ...string) {
	scope := make(map[string]bool, len(names))
	for _, name := range names {
		scope[name] = true
	}
	f.scopes = append(f.scopes, scope)
}

func (f *freeNames) free(name string) bool {
	return !slices.ContainsFunc(f.scopes, func(scope map[string]bool) bool { return scope[name] })
}

// freeIn returns the name of an identifier that is among some globals.
func (f *freeNames) freeIn(set map[string]bool, e ast.Expression) string {
	return f.freeWhere(func(name string) bool { return set[name] }, e)
}

func (f *freeNames) freeWhere(is func(name string) bool, e ast.Expression) string {
	if id, ok := e.(*ast.Identifier); ok && is(id.Name) && f.free(id.Name) {
		return id.Name
	}
	return ""
}

// Enter and Exit make it an [ast.Visitor].
func (f *freeNames) Enter(n ast.Node) ast.Visitor {
	switch n := n.(type) {
	case *ast.FunctionLiteral:
		f.push(append(declaredNames(n), "arguments")...)
		if n.Name != nil {
			f.scopes[len(f.scopes)-1][n.Name.Name] = true
		}
	case *ast.CatchStatement:
		if n == nil {
			return nil
		}
		f.push(n.Parameter.Name)
	case *ast.Identifier:
		if n == nil || !isElsewhere(n.Name) || !f.free(n.Name) {
			return f
		}
		if newerGlobals[n.Name] {
			f.newer = append(f.newer, need{name: n.Name, at: n.Idx, reason: "otto has no " + n.Name + ", only goja has"})
		} else if f.tries == 0 {
			f.newer = append(f.newer, need{name: n.Name, at: n.Idx, nowhere: true})
		}
	case *ast.DotExpression:
		if id, ok := n.Left.(*ast.Identifier); ok && newerMembers[id.Name] == n.Identifier.Name && f.free(id.Name) {
			name := id.Name + "." + n.Identifier.Name
			f.newer = append(f.newer, need{name: name, at: n.Idx0(), reason: "otto has no " + name + ", only goja has"})
		}
		ast.Walk(f, n.Left)
		return nil
	case *ast.LabelledStatement:
		ast.Walk(f, n.Statement)
		return nil
	case *ast.BranchStatement:
		return nil
	case *ast.IfStatement:
		if n.Alternate == nil && onlyThrows(n.Consequent) {
			f.asked[n.Test] = true // who doesn't go on without it wants it
		}
	case *ast.TryStatement:
		f.tries++
	case *ast.SwitchStatement:
		f.guard(n.Discriminant)
	case *ast.BinaryExpression:
		switch n.Operator {
		case token.EQUAL, token.NOT_EQUAL, token.STRICT_EQUAL, token.STRICT_NOT_EQUAL:
			if !f.asked[n] {
				f.guard(n.Left)
				f.guard(n.Right)
			}
		case token.IN:
			f.oddIndex(n.Left)
		}
	case *ast.BracketExpression:
		f.oddIndex(n.Member)
	case *ast.ForInStatement:
		f.target(n.Into)
	case *ast.AssignExpression:
		f.target(n.Left)
	case *ast.CallExpression:
		f.call(n.Callee, n.ArgumentList)
	case *ast.NewExpression:
		f.call(n.Callee, n.ArgumentList)
	}
	return f
}

func (f *freeNames) Exit(n ast.Node) {
	switch n.(type) {
	case *ast.TryStatement:
		f.tries--
	case *ast.FunctionLiteral, *ast.CatchStatement:
		f.scopes = f.scopes[:len(f.scopes)-1]
	}
}

// guard notes a name that typeof asks about in a comparison.
func (f *freeNames) guard(e ast.Expression) {
	if typeOf, ok := e.(*ast.UnaryExpression); ok && typeOf.Operator == token.TYPEOF {
		if name := f.freeWhere(isElsewhere, typeOf.Operand); name != "" {
			f.guarded[name] = true
		}
	}
}

// target looks at what is assigned to.
func (f *freeNames) target(e ast.Expression) {
	if name := f.freeWhere(isElsewhere, e); name != "" {
		f.assigned[name] = true
	}
	if name := f.standard(memberOf(e)); name != "" {
		f.change(name, e)
	}
}

// memberOf is the object of a property.
func memberOf(e ast.Expression) ast.Expression {
	switch e := e.(type) {
	case *ast.DotExpression:
		return e.Left
	case *ast.BracketExpression:
		return e.Left
	}
	return nil
}

// standard names the standard object, or its prototype, that e stands for.
func (f *freeNames) standard(e ast.Expression) string {
	if dot, ok := e.(*ast.DotExpression); ok && dot.Identifier.Name == "prototype" {
		if name := f.freeIn(standardGlobals, dot.Left); name != "" {
			return name + ".prototype"
		}
	}
	return f.freeIn(standardGlobals, e)
}

func (f *freeNames) change(name string, e ast.Expression) {
	f.needs = append(f.needs, need{at: e.Idx0(), reason: "otto's standard objects can't be changed, and " + name + " is one; write a function of its own"})
}

// call looks at patterns that are made of texts, and at methods for standard objects.
func (f *freeNames) call(callee ast.Expression, args []ast.Expression) {
	if len(args) == 0 {
		return
	}
	pattern := f.freeIn(map[string]bool{"RegExp": true}, callee) != ""
	if dot, ok := callee.(*ast.DotExpression); ok {
		switch dot.Identifier.Name {
		case "match", "search":
			pattern = true
		case "defineProperty", "defineProperties", "assign":
			if name := f.standard(args[0]); name != "" && f.standard(dot.Left) == "Object" {
				f.change(name, args[0])
			}
		}
	}
	if source, ok := args[0].(*ast.StringLiteral); ok && pattern {
		f.pattern(source.Value, flagsOf(args), source.Idx)
	}
}

func (f *freeNames) pattern(source, flags string, at file.Idx) {
	if reason := patternRefusal(source, flags); reason != "" {
		f.needs = append(f.needs, need{at: at, reason: reason})
	}
}

// oddIndex looks at a literal property.
func (f *freeNames) oddIndex(e ast.Expression) {
	if name, ok := e.(*ast.StringLiteral); ok && isOddIndex(name.Value) {
		f.needs = append(f.needs, need{at: name.Idx, reason: "otto takes '" + name.Value + "' for an index of a text"})
	}
}

func flagsOf(args []ast.Expression) string {
	if len(args) > 1 {
		if flags, ok := args[1].(*ast.StringLiteral); ok {
			return flags.Value
		}
	}
	return ""
}

// onlyThrows tells a statement that goes nowhere but up.
func onlyThrows(s ast.Statement) bool {
	switch s := s.(type) {
	case *ast.ThrowStatement:
		return true
	case *ast.BlockStatement:
		return len(s.List) > 0 && onlyThrows(s.List[len(s.List)-1])
	}
	return false
}
