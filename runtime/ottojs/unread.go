package ottojs

import (
	"slices"
	"strings"

	"github.com/robertkrimen/otto"
	"github.com/robertkrimen/otto/ast"
	"github.com/robertkrimen/otto/token"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/internal/js"
)

// What a host function returns as JSON often goes into the answer as it is:
//
//	return {items: fazt.storage.ds.find('items')}
//	respond(200, fazt.storage.kv.get('page'))
//
// Nothing in the program can look at such a value, so it isn't made an object of
// otto's and text again. The call is bound to a variant of the host function that
// returns a stand-in for the text, which only the writer of the answer meets.

// A variant's name is the function's with one of these behind it.
const (
	unreadPart  = " in the answer"
	unreadWhole = " as the answer" // an array only: an object may be a response
)

// answer marks the calls of host functions whose values are the answer or, by way
// of literals, parts of it. e is what the main file returns.
func (rw *rewriter) answer(e ast.Expression) {
	switch e := e.(type) {
	case *ast.ObjectLiteral:
		rw.answerObject(e, "status", "headers")
	default:
		rw.respond(e)
		rw.answerPart(e, unreadWhole)
	}
}

// respond is answer for the body of a respond() whose own value nobody looks at.
func (rw *rewriter) respond(e ast.Expression) {
	c, ok := e.(*ast.CallExpression)
	if !ok || !isIdentifier(c.Callee, "respond") || rw.declared["respond"] || len(c.ArgumentList) == 0 {
		return
	}
	rw.answerPart(c.ArgumentList[min(1, len(c.ArgumentList)-1)], unreadPart)
}

func (rw *rewriter) answerPart(e ast.Expression, variant string) {
	switch e := e.(type) {
	case *ast.CallExpression:
		if rw.hostFunction(e.Callee) != "" {
			if rw.unread == nil {
				rw.unread = make(map[*ast.CallExpression]string)
			}
			rw.unread[e] = variant
		}
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
	case *ast.BinaryExpression:
		if e.Operator == token.LOGICAL_OR { // a stand-in is as true as any object
			rw.answerPart(e.Left, variant)
			rw.answerPart(e.Right, variant)
		}
	}
}

// answerObject leaves alone what a getter or a toJSON of the object could look at,
// and the properties that are more than text for an answer.
func (rw *rewriter) answerObject(e *ast.ObjectLiteral, except ...string) {
	for _, p := range e.Value {
		if p.Kind != "value" || p.Key == "toJSON" || p.Key == "__proto__" {
			return
		}
	}
	for _, p := range e.Value {
		if !slices.Contains(except, p.Key) {
			rw.answerPart(p.Value, unreadPart)
		}
	}
}

// unread are the texts of a run that stand-ins are there for. The stand-ins and the
// room are the VM's, and used again.
type unread struct {
	standIns []otto.Value
	text     []byte
	ends     []int // of each text in it
}

// maxUnread bounds the stand-ins of a run, among which one is looked for.
const maxUnread = 8

// keptText is how much room is kept from one run to the next.
const keptText = 64 << 10

func (u *unread) reset() {
	u.ends = u.ends[:0]
	if u.text = u.text[:0]; cap(u.text) > keptText {
		u.text = nil
	}
}

// find returns the text that val stands for.
func (u *unread) find(val otto.Value) (text []byte, ok bool) {
	start := 0
	for i, end := range u.ends {
		if u.standIns[i] == val {
			return u.text[start:end], true
		}
		start = end
	}
	return nil, false
}

// leaveUnread makes a stand-in for what a host function returned, if it can.
func (v *vm) leaveUnread(val runtime.Value, variant string) (standIn otto.Value, ok bool) {
	u := &v.unread
	n := len(u.ends)
	if val.Kind() != runtime.KindJSON || n == maxUnread {
		return undefined, false
	}
	text, ok := js.AppendParsed(u.text, val.Raw(), v)
	if !ok || variant == unreadWhole && text[len(u.text)] != '[' {
		return undefined, false
	}
	if n == len(u.standIns) {
		obj := v.newObject()
		if _, err := v.freeze(obj); err != nil {
			return undefined, false
		}
		u.standIns = append(u.standIns, obj)
	}
	u.text = text
	u.ends = append(u.ends, len(text))
	return u.standIns[n], true
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

// callee makes what a call of a host function is bound to.
func (v *vm) callee(name string) (otto.Value, error) {
	name, variant := variantOf(name)
	part := v.host.Find(name)
	if variant == "" || part == nil || part.Func == nil {
		return v.lookUp(name)
	}
	val, err := v.otto.ToValue(v.hostFunc(part.Func, variant))
	if err != nil {
		return undefined, err
	}
	return val, v.harden(val)
}
