package ottojs

import (
	"strings"

	"github.com/robertkrimen/otto"
	"github.com/robertkrimen/otto/ast"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/internal/js"
)

// passer finds the calls of host functions whose result goes to the visitor, and that
// nothing in the program reads on the way: return fazt.storage.ds.find(...), and the like
// in respond(...), in a branch of ?: and as a value in an object that is written there.
// Such a call is made by [vm.passed], which leaves the text as it is: making objects of it,
// to be printed again, takes longer than to find it. Package gojajs has
// the same rules.
//
// A name counts as the host's if the file only ever looks into it, and respond, if the
// file only ever calls it: then nothing in the file declares or changes them.
type passer struct {
	looked map[string]int  // how often a name is used as in name.x
	called map[string]int  // and as in name(...)
	all    map[string]int  // and at all
	names  map[string]bool // of the host functions
}

// passOn changes a main file's tree before it is instrumented. What it returns is the
// request's answer: its end is its handler's, if that was merged.
func (rw *rewriter) passOn(file *ast.FunctionLiteral, names map[string]bool) {
	if len(names) == 0 {
		return
	}
	p := &passer{make(map[string]int), make(map[string]int), make(map[string]int), names}
	ast.Walk(p, file.Body)
	for _, d := range file.DeclarationList { // those of a handler that was merged
		if v, ok := d.(*ast.VariableDeclaration); ok {
			for _, e := range v.List {
				p.all[e.Name]++
			}
		}
	}
	block := file.Body.(*ast.BlockStatement)
	p.statements(block.List)
	for _, s := range block.List {
		if fn := p.handler(s); fn != nil {
			p.statements(fn.Body.(*ast.BlockStatement).List)
		}
	}
}

func (p *passer) Enter(node ast.Node) ast.Visitor {
	switch n := node.(type) {
	case *ast.Identifier:
		if n != nil {
			p.all[n.Name]++
		}
	case *ast.VariableExpression:
		p.all[n.Name]++
	case *ast.DotExpression:
		p.count(p.looked, n.Left)
		ast.Walk(p, n.Left)
		return nil
	case *ast.CallExpression:
		p.count(p.called, n.Callee)
	}
	return p
}

func (p *passer) Exit(ast.Node) {}

func (p *passer) count(uses map[string]int, e ast.Expression) {
	if id, ok := e.(*ast.Identifier); ok {
		uses[id.Name]++
	}
}

// handler returns the function that the runtime calls, if the file itself doesn't: a
// declaration that nothing names again, or what module.exports is set to and never asked for.
func (p *passer) handler(s ast.Statement) *ast.FunctionLiteral {
	switch s := s.(type) {
	case *ast.FunctionStatement:
		if name := s.Function.Name; name != nil && name.Name == "handler" && p.all["handler"] == 1 {
			return s.Function
		}
	case *ast.ExpressionStatement:
		if assigned, ok := s.Expression.(*ast.AssignExpression); ok && p.all["module"] == 1 && p.all["exports"] == 0 {
			if path, _ := dotted(assigned.Left); path == "module.exports" {
				fn, _ := assigned.Right.(*ast.FunctionLiteral)
				return fn
			}
		}
	}
	return nil
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
		if !p.names[path] || p.all[root] != p.looked[root] {
			return n
		}
		at := n.Callee.Idx0()
		return call(idPassed, at, append([]ast.Expression{text(path, at), &ast.BooleanLiteral{Idx: at, Value: inside}}, n.ArgumentList...)...)
	case *ast.ConditionalExpression:
		n.Consequent, n.Alternate = p.passed(n.Consequent, inside), p.passed(n.Alternate, inside)
	case *ast.ObjectLiteral:
		for i, property := range n.Value {
			if property.Kind == "value" && !js.ReadOnTheWay[property.Key] {
				n.Value[i].Value = p.passed(property.Value, true)
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
		return n.Name, n.Name
	case *ast.DotExpression:
		if path, root = dotted(n.Left); path != "" {
			path += "." + n.Identifier.Name
		}
	}
	return path, root
}

// passed calls a host function by its path, and gives a list that it returns as an
// object that only printing looks into; and an object, if it is inside of an answer.
func (v *vm) passed(c otto.FunctionCall) otto.Value {
	path, inside := c.Argument(0).String(), c.Argument(1) == otto.TrueValue()
	fn := v.passing[path]
	if fn == nil {
		if fn = v.hostFuncAt(path); fn == nil { // the program was bound to another host
			v.throw(&runtime.HostError{Name: "TypeError", Message: path + " is not a function"})
		}
		v.passing[path] = fn
	}
	c.ArgumentList = c.ArgumentList[2:]
	val := v.callHost(fn, c)
	if !js.PassedOn(val, inside) {
		return v.fromGo(val)
	}
	obj := v.newObject()
	v.run.unread.Put(obj, val.Raw())
	return obj
}

// hostFuncAt is the host function of a dotted name, or nil.
func (v *vm) hostFuncAt(path string) *runtime.HostFunc {
	part := v.host
	for name := range strings.SplitSeq(path, ".") {
		if part = part.Part(name); part == nil {
			return nil
		}
	}
	return part.Func
}

// Unread returns the text that was passed on.
func (v *vm) Unread(val otto.Value) (text []byte, ok bool) { return v.run.unread.Text(val) }
