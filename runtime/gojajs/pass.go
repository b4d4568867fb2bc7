package gojajs

import (
	"reflect"
	"strings"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"

	"github.com/fazt-sh/fazt/runtime/internal/js"
)

// passer finds the calls of host functions whose result goes to the visitor and that
// nothing in the program reads on the way: return fazt.storage.ds.find(...), and the like
// in respond(...), in a branch of ?: and as a value in an object that is written there.
// Such a call is made by [vm.passed], which leaves the text as it is: making objects of it,
// to be printed again, takes longer than to find it.
//
// A name counts as the host's if the file only ever looks into it, and respond, if the
// file only ever calls it: then nothing in the file declares or changes them.
type passer struct {
	looked map[string]int  // how often a name is used as in name.x
	called map[string]int  // and as in name(...)
	all    map[string]int  // and at all
	names  map[string]bool // of the host functions
}

// passOn changes a file's tree before it is instrumented.
func passOn(file *ast.FunctionLiteral, names map[string]bool) {
	if len(names) == 0 {
		return
	}
	p := passer{make(map[string]int), make(map[string]int), make(map[string]int), names}
	nodes(reflect.ValueOf(file), make(map[any]bool), func(node any) bool {
		switch n := node.(type) {
		case *ast.Identifier:
			p.all[n.Name.String()]++
		case *ast.PropertyShort:
			p.all[n.Name.Name.String()]++
		case *ast.DotExpression:
			p.count(p.looked, n.Left)
		case *ast.CallExpression:
			p.count(p.called, n.Callee)
		}
		return true
	})
	p.statements(file.Body.List)
	if fn := p.handler(file.Body.List); fn != nil {
		p.function(fn)
	}
}

func (p *passer) count(uses map[string]int, e ast.Expression) {
	if id, ok := e.(*ast.Identifier); ok {
		uses[id.Name.String()]++
	}
}

// handler returns the function that the runtime calls, if the file itself doesn't: a
// declaration that nothing names again, or what module.exports is set to and never asked for.
func (p *passer) handler(list []ast.Statement) (fn ast.Expression) {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.FunctionDeclaration:
			if name := s.Function.Name.Name.String(); name == "handler" && p.all[name] == 1 && !s.Function.Generator {
				fn = s.Function
			}
		case *ast.ExpressionStatement:
			assigned, ok := s.Expression.(*ast.AssignExpression)
			if !ok || p.all["module"] != 1 || p.all["exports"] != 0 {
				continue
			}
			if path, _ := dotted(assigned.Left); path == "module.exports" {
				fn = assigned.Right
			}
		}
	}
	return fn
}

// function looks at what a function returns.
func (p *passer) function(e ast.Expression) {
	switch fn := e.(type) {
	case *ast.FunctionLiteral:
		if !fn.Generator {
			p.statements(fn.Body.List)
		}
	case *ast.ArrowFunctionLiteral:
		switch body := fn.Body.(type) {
		case *ast.BlockStatement:
			p.statements(body.List)
		case *ast.ExpressionBody:
			body.Expression = p.passed(body.Expression, false)
		}
	}
}

func (p *passer) statements(list []ast.Statement) {
	for _, s := range list {
		p.statement(s)
	}
}

func (p *passer) statement(s ast.Statement) {
	switch s := s.(type) {
	case *ast.ReturnStatement:
		s.Argument = p.passed(s.Argument, false)
	case *ast.ExpressionStatement:
		p.respond(s.Expression)
	case *ast.BlockStatement:
		p.statements(s.List)
	case *ast.IfStatement:
		p.statement(s.Consequent)
		if s.Alternate != nil {
			p.statement(s.Alternate)
		}
	case *ast.SwitchStatement:
		for _, c := range s.Body {
			p.statements(c.Consequent)
		}
	case *ast.TryStatement:
		p.statement(s.Body)
		if s.Catch != nil {
			p.statement(s.Catch.Body)
		}
	}
}

// respond looks at the body that respond is given.
func (p *passer) respond(e ast.Expression) bool {
	c, ok := e.(*ast.CallExpression)
	if !ok {
		return false
	}
	id, ok := c.Callee.(*ast.Identifier)
	if !ok || id.Name != "respond" || p.all["respond"] != p.called["respond"] {
		return false
	}
	if n := len(c.ArgumentList); n > 0 && n <= 3 {
		body := min(n, 2) - 1
		c.ArgumentList[body] = p.passed(c.ArgumentList[body], true)
	}
	return true
}

// passed returns what stands for an expression whose value goes to the visitor: inside of
// an answer, or as what the handler ends with. That is looked into where it is an object,
// which may be a response, so then only lists are passed on.
func (p *passer) passed(e ast.Expression, inside bool) ast.Expression {
	switch n := e.(type) {
	case *ast.CallExpression:
		if p.respond(n) {
			return n
		}
		path, root := dotted(n.Callee)
		if !p.names[path] || p.all[root] != p.looked[root] || spreads(n.ArgumentList) {
			return n
		}
		at := n.Callee.Idx0()
		return call(funcPassed, at, append([]ast.Expression{stringLiteral(path, at), &ast.BooleanLiteral{Idx: at, Value: inside}}, n.ArgumentList...)...)
	case *ast.ConditionalExpression:
		n.Consequent, n.Alternate = p.passed(n.Consequent, inside), p.passed(n.Alternate, inside)
	case *ast.ObjectLiteral:
		for _, property := range n.Value {
			keyed, ok := property.(*ast.PropertyKeyed)
			if !ok || keyed.Computed || keyed.Kind != ast.PropertyKindValue {
				continue
			}
			if key, ok := keyed.Key.(*ast.StringLiteral); ok && !js.ReadOnTheWay[key.Value.String()] {
				keyed.Value = p.passed(keyed.Value, true)
			}
		}
	}
	return e
}

// dotted is an expression such as fazt.storage.ds.find as a text, with its first name, or
// "" for any other.
func dotted(e ast.Expression) (path, root string) {
	switch n := e.(type) {
	case *ast.Identifier:
		return n.Name.String(), n.Name.String()
	case *ast.DotExpression:
		if path, root = dotted(n.Left); path != "" {
			path += "." + n.Identifier.Name.String()
		}
	}
	return path, root
}

func spreads(args []ast.Expression) bool {
	for _, a := range args {
		if _, ok := a.(*ast.SpreadElement); ok {
			return true
		}
	}
	return false
}

// passed calls a host function by its path, and gives a list that it returns as an
// object that only printing looks into; and an object, if it is inside of an answer.
func (v *vm) passed(c goja.FunctionCall) goja.Value {
	path, inside := c.Argument(0).String(), c.Argument(1).ToBoolean()
	c = goja.FunctionCall{This: goja.Undefined(), Arguments: c.Arguments[2:]}
	names := strings.Split(path, ".")
	part := v.host.Part(names[0])
	for _, name := range names[1:] {
		if part == nil {
			break
		}
		part = part.Part(name)
	}
	if part == nil || part.Func == nil { // the program was bound to another host
		v.throwError("TypeError", "", path+" is not a function")
	}
	v.enter()
	defer v.leave()
	val := v.callHost(part.Func, c)
	if !js.PassedOn(val, inside) {
		return v.fromGo(val)
	}
	obj := v.js.NewObject()
	v.unread.Put(obj, val.Raw())
	return obj
}

// Unread returns the text that was passed on.
func (v *vm) Unread(val goja.Value) (text []byte, ok bool) {
	obj, _ := val.(*goja.Object)
	return v.unread.Text(obj)
}
