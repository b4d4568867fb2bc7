package ottojs

import (
	"slices"

	"github.com/robertkrimen/otto/ast"
)

// A function object costs otto five times what a small handler's statements do: it
// has properties of its own, and its call another object for its arguments. So a
// handler that nothing but the runtime can call becomes the end of the main file,
// which is run once a request, too. That holds where the file never names it, and
// where neither its names nor the file's can mean another thing in one scope:
//
//   - what the handler declares is named nowhere else in the file;
//   - the handler uses neither this nor arguments, which would be the file's;
//   - the file has no exports, which go before a handler.

// merge makes the handler's body the end of the file, if it can, and notes what is
// before it.
func (rw *rewriter) merge(file *ast.FunctionLiteral) {
	block := file.Body.(*ast.BlockStatement)
	at := slices.IndexFunc(block.List, isHandler)
	if at < 0 || slices.ContainsFunc(block.List[at+1:], isHandler) {
		return
	}
	handler := block.List[at].(*ast.FunctionStatement).Function
	rw.directives(handler.Body.(*ast.BlockStatement).List)
	rest := slices.Concat(block.List[:at], block.List[at+1:])
	outside, inside := newNames(), newNames()
	for _, s := range rest {
		ast.Walk(outside, s)
	}
	ast.Walk(inside, handler.Body)
	if outside.has("handler", "module", "exports") || inside.has("handler", "module", "exports", "arguments") || inside.this {
		return
	}
	declared := declaredNames(handler)
	if outside.has(declared...) || slices.Contains(declared, "arguments") {
		return
	}
	file.DeclarationList = slices.DeleteFunc(file.DeclarationList, func(d ast.Declaration) bool {
		f, ok := d.(*ast.FunctionDeclaration)
		return ok && f.Function == handler
	})
	parameters := &ast.VariableDeclaration{}
	for _, p := range handler.ParameterList.List {
		parameters.List = append(parameters.List, &ast.VariableExpression{Name: p.Name, Idx: p.Idx})
	}
	file.DeclarationList = append(append(file.DeclarationList, parameters), handler.DeclarationList...)
	rw.merged, rw.before = true, len(rest)
	block.List = slices.Clip(rest)
	if p := firstParameter(handler); p != nil && inside.has(p.Name) {
		block.List = append(block.List, &ast.ExpressionStatement{Expression: assignTo(p.Name, p.Idx, identifier(idRequest, p.Idx))})
	}
	block.List = append(block.List, handler.Body.(*ast.BlockStatement).List...)
}

func firstParameter(f *ast.FunctionLiteral) *ast.Identifier {
	if len(f.ParameterList.List) == 0 {
		return nil
	}
	return f.ParameterList.List[0]
}

func isHandler(s ast.Statement) bool {
	f, ok := s.(*ast.FunctionStatement)
	return ok && f.Function.Name.Name == "handler"
}

// declaredNames are a function's parameters, variables and functions.
func declaredNames(f *ast.FunctionLiteral) (names []string) {
	for _, p := range f.ParameterList.List {
		names = append(names, p.Name)
	}
	for _, d := range f.DeclarationList {
		switch d := d.(type) {
		case *ast.FunctionDeclaration:
			names = append(names, d.Function.Name.Name)
		case *ast.VariableDeclaration:
			for _, v := range d.List {
				names = append(names, v.Name)
			}
		}
	}
	return names
}

// names collects every identifier that is not a property's, wherever it stands.
type names struct {
	found map[string]bool
	this  bool
}

func newNames() *names { return &names{found: make(map[string]bool)} }

func (n *names) has(some ...string) bool {
	return slices.ContainsFunc(some, func(name string) bool { return n.found[name] })
}

func (n *names) Enter(node ast.Node) ast.Visitor {
	switch node := node.(type) {
	case *ast.Identifier:
		if node != nil {
			n.found[node.Name] = true
		}
	case *ast.VariableExpression:
		n.found[node.Name] = true
	case *ast.ThisExpression:
		n.this = true
	case *ast.DotExpression:
		ast.Walk(n, node.Left)
		return nil
	}
	return n
}

func (n *names) Exit(ast.Node) {}

// isInert tells a statement that runs nothing: it declares functions, or variables
// with constants.
func isInert(s ast.Statement) bool {
	switch s := s.(type) {
	case *ast.FunctionStatement, *ast.EmptyStatement:
		return true
	case *ast.VariableStatement:
		return !slices.ContainsFunc(s.List, func(e ast.Expression) bool {
			v, ok := e.(*ast.VariableExpression)
			return !ok || !isConstant(v.Initializer)
		})
	}
	return false
}

func isConstant(e ast.Expression) bool {
	switch e := e.(type) {
	case nil, *ast.NumberLiteral, *ast.StringLiteral, *ast.BooleanLiteral, *ast.NullLiteral, *ast.FunctionLiteral:
		return true
	case *ast.ArrayLiteral:
		return !slices.ContainsFunc(e.Value, func(e ast.Expression) bool { return !isConstant(e) })
	case *ast.ObjectLiteral:
		return !slices.ContainsFunc(e.Value, func(p ast.Property) bool { return !isConstant(p.Value) })
	}
	return false
}
