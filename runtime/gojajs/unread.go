package gojajs

import (
	"bytes"
	"reflect"
	"slices"
	"strings"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/token"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/internal/js"
)

// What a host function returns as JSON often goes into the answer as it is:
//
//	return {items: fazt.storage.ds.find('items')}
//	respond(200, fazt.storage.kv.get('page'))
//
// Nothing in the program can look at such a value, so it isn't made an object of
// goja's and text again. The call is bound to a variant of the host function that
// returns a stand-in for the text: an empty object or array, in whose place the
// writer of the answer puts the text.
//
// A literal whose value is the answer is out of the program's reach. Code of the
// program only meets it as the this of what reading it finds in Object.prototype or
// Array.prototype, such as a toJSON. So there are no stand-ins in a program that
// names what leads to these, and when it gets there by a name that it computes, the
// stand-ins become what they stand for, see vm.readAll.

// leadToPrototypes are the names without which nobody gets hold of Object.prototype.
var leadToPrototypes = []string{"prototype", "__proto__", "getPrototypeOf"}

// A variant's name is the function's with one of these behind it.
const (
	unreadPart  = " in the answer"
	unreadWhole = " as the answer" // no object that may be a response
)

// answers marks the calls in what body, the main file's function, hands to nobody
// but the server: what it returns, what the handler in it returns if nothing else
// can call that, and the bodies of responses whose own value isn't used.
func (rw *rewriter) answers(program *ast.Program, body *ast.FunctionLiteral) {
	if s := rw.survey; s.computed || s.mentions(leadToPrototypes...) || s.mentions("arguments") {
		return // arguments may lead to the function that holds it
	}
	rw.unread = make(map[*ast.CallExpression]string)
	nodes(reflect.ValueOf(body), make(map[any]bool), func(node any) bool {
		if s, ok := node.(*ast.ExpressionStatement); ok {
			rw.answerOfRespond(s.Expression)
		}
		return true
	})
	rw.returns(body)
	file := newSurvey()
	file.add(program)
	if file.names["handler"] == 1 {
		for _, fn := range rw.handlers {
			rw.returns(fn)
		}
	}
	if file.names["module"] == 1 && file.names["exports"] == 1 {
		for _, s := range body.Body.List {
			rw.returns(exportedFunction(s))
		}
	}
}

// exportedFunction returns the function in module.exports = function () {...}, else
// nil. A file that requires the main file may call it, see vm.load.
func exportedFunction(s ast.Statement) any {
	if e, ok := s.(*ast.ExpressionStatement); ok {
		if a, ok := e.Expression.(*ast.AssignExpression); ok && a.Operator == token.ASSIGN {
			if name, _ := dotted(a.Left); name == "module.exports" {
				return a.Right
			}
		}
	}
	return nil
}

// returns marks the calls in what a function returns.
func (rw *rewriter) returns(fn any) {
	var body any
	switch fn := fn.(type) {
	case *ast.FunctionLiteral:
		if fn.Generator || fn.Name != nil && fn.Name.Name != "handler" {
			return
		}
		body = fn.Body
	case *ast.ArrowFunctionLiteral:
		if e, ok := fn.Body.(*ast.ExpressionBody); ok {
			rw.answer(e.Expression)
		}
		body = fn.Body
	default:
		return
	}
	nodes(reflect.ValueOf(body), make(map[any]bool), func(node any) bool {
		switch n := node.(type) {
		case *ast.ReturnStatement:
			rw.answer(n.Argument)
		case *ast.FunctionLiteral, *ast.ArrowFunctionLiteral, *ast.ClassLiteral:
			return false
		}
		return true
	})
}

// answer marks the calls of host functions whose values are the answer or, by way
// of literals, parts of it. e is what is returned.
func (rw *rewriter) answer(e ast.Expression) {
	if o, ok := e.(*ast.ObjectLiteral); ok {
		rw.answerObject(o, "status", "headers")
		return
	}
	rw.answerOfRespond(e)
	rw.answerPart(e, unreadWhole)
}

// answerOfRespond is answer for the body of a respond() whose own value nobody
// looks at.
func (rw *rewriter) answerOfRespond(e ast.Expression) {
	c, ok := e.(*ast.CallExpression)
	if !ok || len(c.ArgumentList) == 0 || rw.boundName(c.Callee) != "respond" {
		return
	}
	for _, a := range c.ArgumentList {
		if _, spread := a.(*ast.SpreadElement); spread {
			return
		}
	}
	rw.answerPart(c.ArgumentList[min(1, len(c.ArgumentList)-1)], unreadPart)
}

func (rw *rewriter) answerPart(e ast.Expression, variant string) {
	switch e := e.(type) {
	case *ast.CallExpression:
		rw.unread[e] = variant
	case *ast.AwaitExpression: // a stand-in is no promise either
		rw.answerPart(e.Argument, variant)
	case *ast.ObjectLiteral:
		if variant == unreadPart {
			rw.answerObject(e)
		}
	case *ast.ArrayLiteral:
		for _, item := range e.Value {
			rw.answerPart(item, unreadPart)
		}
	case *ast.ConditionalExpression:
		rw.answerPart(e.Consequent, variant)
		rw.answerPart(e.Alternate, variant)
	case *ast.BinaryExpression: // a stand-in is as true as any object
		switch e.Operator {
		case token.LOGICAL_OR, token.COALESCE:
			rw.answerPart(e.Left, variant)
			rw.answerPart(e.Right, variant)
		case token.LOGICAL_AND:
			rw.answerPart(e.Right, variant)
		}
	}
}

// answerObject leaves alone what an accessor, or a function that is called for the
// object, could look at, and the properties that are more than text for an answer.
func (rw *rewriter) answerObject(e *ast.ObjectLiteral, except ...string) {
	for _, p := range e.Value {
		name, ok := propertyName(p)
		if !ok || name == "toJSON" || name == "then" || name == "__proto__" {
			return
		}
	}
	for _, p := range e.Value {
		if name, _ := propertyName(p); !slices.Contains(except, name) {
			if keyed, ok := p.(*ast.PropertyKeyed); ok {
				rw.answerPart(keyed.Value, unreadPart)
			}
		}
	}
}

// propertyName returns the name of a property that is written out and has a value.
func propertyName(p ast.Property) (name string, ok bool) {
	switch p := p.(type) {
	case *ast.PropertyShort:
		return p.Name.Name.String(), true
	case *ast.PropertyKeyed:
		if p.Computed || p.Kind != ast.PropertyKindValue && p.Kind != ast.PropertyKindMethod {
			return "", false
		}
		switch key := p.Key.(type) {
		case *ast.StringLiteral:
			return key.Value.String(), true
		case *ast.NumberLiteral:
			return key.Literal, true
		}
	}
	return "", false
}

// unread are the texts of a run that stand-ins are there for. All of them are in
// vm.texts.
type unread struct {
	count    int
	standIns [maxUnread]*goja.Object
	ends     [maxUnread]int // of each text
	off      bool           // the program may look at the answer
}

// maxUnread bounds the stand-ins of a run, among which one is looked for.
const maxUnread = 8

// keptText is how much room is kept from one run to the next.
const keptText = 64 << 10

// unreadText returns the text that an object stands for.
func (v *vm) unreadText(obj *goja.Object) (text []byte, ok bool) {
	start := 0
	for i, end := range v.unread.ends[:v.unread.count] {
		if v.unread.standIns[i] == obj {
			return v.texts[start:end], true
		}
		start = end
	}
	return nil, false
}

// leaveUnread makes a stand-in for what a host function returned, if it can.
func (v *vm) leaveUnread(val runtime.Value, variant string) (standIn *goja.Object, ok bool) {
	u := &v.unread
	if val.Kind() != runtime.KindJSON || u.off || u.count == maxUnread {
		return nil, false
	}
	start := len(v.texts)
	text, ok := js.AppendParsed(v.texts, val.Raw(), v)
	switch {
	case !ok:
		return nil, false
	case text[start] == '[':
		standIn = v.js.NewArray() // guarded when it is read, and can be met
	case variant == unreadWhole && mayBeResponse(text[start:]):
		return nil, false
	default:
		standIn = v.js.NewObject()
	}
	u.standIns[u.count], u.ends[u.count] = standIn, len(text)
	u.count++
	v.texts = text
	return standIn, true
}

// mayBeResponse tells an object that js.Answer could take for a response, by its
// first key: all of them would be such names. text is as js.AppendParsed makes it.
func mayBeResponse(text []byte) bool {
	for _, start := range []string{`{"status"`, `{"headers"`, `{"body"`} {
		if bytes.HasPrefix(text, []byte(start)) {
			return true
		}
	}
	return false
}

// readAll makes the stand-ins what they stand for, as the program may now get to
// look at them, and keeps from making others.
func (v *vm) readAll() {
	u := v.unread
	v.unread = unread{off: true}
	start := 0
	for i, standIn := range u.standIns[:u.count] {
		val := v.parse(string(v.texts[start:u.ends[i]])).(*goja.Object)
		for _, key := range val.Keys() {
			v.put(standIn, key, val.Get(key))
		}
		start = u.ends[i]
	}
}

// variantOf splits the name of a host function's variant.
func variantOf(name string) (fn, variant string) {
	for _, variant := range []string{unreadPart, unreadWhole} {
		if fn, ok := strings.CutSuffix(name, variant); ok {
			return fn, variant
		}
	}
	return name, ""
}
