package ottojs

import (
	"slices"

	"github.com/robertkrimen/otto/ast"
	"github.com/robertkrimen/otto/token"
)

// inlineHandler looks for a function named handler that nobody can tell from a
// part of the main file: a program that declares it and leaves the call to the
// runtime, or calls it with the request in its last line, and whose names mean
// the same one level up. Its statements then run in their place, at the file's
// end. Making and calling a function takes otto longer than a small handler
// takes altogether.
//
// It returns the handler after it has taken it out of body, or nil; and whether
// the last line called it, which it has taken out, too.
func inlineHandler(body *ast.FunctionLiteral) (handler *ast.FunctionLiteral, called bool) {
	i := -1
	for at, d := range body.DeclarationList {
		if d, ok := d.(*ast.FunctionDeclaration); ok && d.Function.Name.Name == "handler" {
			if i >= 0 {
				return nil, false
			}
			handler, i = d.Function, at
		}
	}
	if handler == nil {
		return nil, false
	}
	block := body.Body.(*ast.BlockStatement)
	outside := scopeNames(nil, nil)
	statements := block.List
	if n := len(statements) - 1; n >= 0 && callsHandler(statements[n]) {
		called, statements = true, statements[:n]
	}
	rest := make([]ast.Statement, 0, len(statements))
	for _, s := range statements {
		if fn, ok := s.(*ast.FunctionStatement); ok && fn.Function == handler {
			continue
		}
		rest = append(rest, s)
		ast.Walk(outside, s)
	}
	for at, d := range body.DeclarationList {
		if at != i {
			outside.declare(d)
		}
	}
	inside := scopeNames(handler.ParameterList.List, handler.DeclarationList)
	ast.Walk(inside, handler.Body)
	if !mayMerge(outside, inside, handler) || called && (outside.own["request"] || outside.written["request"]) {
		return nil, false
	}
	block.List = rest
	body.DeclarationList = append(append(body.DeclarationList[:i:i], body.DeclarationList[i+1:]...), handler.DeclarationList...)
	return handler, called
}

// quiet reports whether statements call nothing, so that they can't have
// responded: they declare functions and variables, and read what has no getter of
// the program's own.
func quiet(list []ast.Statement) bool {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.FunctionStatement, *ast.EmptyStatement, *ast.DebuggerStatement:
		case *ast.VariableStatement:
			for _, e := range s.List {
				if v, ok := e.(*ast.VariableExpression); !ok || v.Initializer != nil && !inert(v.Initializer) {
					return false
				}
			}
		default:
			return false
		}
	}
	return true
}

// inert is quiet for an expression. Operators aren't: they may call a valueOf.
func inert(e ast.Expression) bool {
	switch e := e.(type) {
	case *ast.NullLiteral, *ast.BooleanLiteral, *ast.NumberLiteral, *ast.StringLiteral, *ast.FunctionLiteral, *ast.Identifier:
		return true
	case *ast.DotExpression:
		return inert(e.Left)
	case *ast.ArrayLiteral:
		return !slices.ContainsFunc(e.Value, func(e ast.Expression) bool { return e != nil && !inert(e) })
	case *ast.ObjectLiteral:
		return !slices.ContainsFunc(e.Value, func(p ast.Property) bool { return p.Kind != "value" || !inert(p.Value) })
	}
	return false
}

// callsHandler recognises handler(request).
func callsHandler(s ast.Statement) bool {
	e, ok := s.(*ast.ExpressionStatement)
	if !ok {
		return false
	}
	c, ok := e.Expression.(*ast.CallExpression)
	return ok && len(c.ArgumentList) == 1 && isIdentifier(c.Callee, "handler") && isIdentifier(c.ArgumentList[0], "request")
}

func isIdentifier(e ast.Expression, name string) bool {
	id, ok := e.(*ast.Identifier)
	return ok && id.Name == name
}

// mayMerge reports whether the handler's own names can be the file's. The first
// parameter may be called as the file's own request, which it is.
func mayMerge(outside, inside *names, handler *ast.FunctionLiteral) bool {
	if !distinctParameters(handler) {
		return false
	}
	for _, name := range []string{"handler", "arguments", "module", "exports", "caller", "callee"} {
		if outside.free[name] || outside.own[name] || inside.free[name] || inside.own[name] {
			return false
		}
	}
	request := len(handler.ParameterList.List) > 0 && handler.ParameterList.List[0].Name == "request"
	if request && (outside.own["request"] || outside.written["request"] || inside.written["request"]) {
		return false
	}
	for name := range inside.own {
		if name == "request" && request {
			continue
		}
		if outside.own[name] || outside.free[name] || name == "request" || name == "require" {
			return false
		}
	}
	return true
}

// distinctParameters reports whether each parameter has a name of its own. Of
// two with the same name the last counts, and a function in the handler counts
// before any parameter of its name.
func distinctParameters(handler *ast.FunctionLiteral) bool {
	seen := make(map[string]bool)
	for _, d := range handler.DeclarationList {
		if d, ok := d.(*ast.FunctionDeclaration); ok {
			seen[d.Function.Name.Name] = true
		}
	}
	for _, p := range handler.ParameterList.List {
		if seen[p.Name] {
			return false
		}
		seen[p.Name] = true
	}
	return true
}

// bindParameters makes the handler's parameters names of the file: the first one
// is the request, which the file's function is called with, and the others are
// variables.
func (rw *rewriter) bindParameters(body *ast.FunctionLiteral) {
	vars := &ast.VariableDeclaration{}
	for i, p := range rw.inlined.ParameterList.List {
		switch {
		case i > 0:
			vars.List = append(vars.List, &ast.VariableExpression{Name: p.Name})
		case p.Name != "request" && rw.uses[p.Name]:
			rw.uses[idRequest] = true
			rw.request = p.Name
		}
	}
	if len(vars.List) > 0 {
		body.DeclarationList = append(body.DeclarationList, vars)
	}
}

// inlinedStatements are the handler's as the end of the file. What is behind them
// isn't reached.
func (rw *rewriter) inlinedStatements() []ast.Statement {
	block := rw.inlined.Body.(*ast.BlockStatement)
	if endsInReturn(block.List) {
		return block.List
	}
	return append(slices.Clone(block.List), &ast.ReturnStatement{Return: block.RightBrace})
}

func endsInReturn(list []ast.Statement) bool {
	if len(list) == 0 {
		return false
	}
	_, ok := list[len(list)-1].(*ast.ReturnStatement)
	return ok
}

// names are the identifiers of a scope: its own, and those that code in it, or
// in functions in it, takes from around it. A property is no identifier.
type names struct {
	own, free, written map[string]bool
}

func scopeNames(parameters []*ast.Identifier, declarations []ast.Declaration) *names {
	n := &names{own: make(map[string]bool), free: make(map[string]bool), written: make(map[string]bool)}
	for _, p := range parameters {
		n.own[p.Name] = true
	}
	for _, d := range declarations {
		n.declare(d)
	}
	return n
}

func (n *names) declare(d ast.Declaration) {
	switch d := d.(type) {
	case *ast.FunctionDeclaration:
		n.own[d.Function.Name.Name] = true
		n.written[d.Function.Name.Name] = true
	case *ast.VariableDeclaration:
		for _, v := range d.List {
			n.own[v.Name] = true
		}
	}
}

// Enter makes it an [ast.Visitor].
func (n *names) Enter(node ast.Node) ast.Visitor {
	switch node := node.(type) {
	case *ast.Identifier:
		if node != nil {
			n.use(node.Name)
		}
	case *ast.DotExpression:
		ast.Walk(n, node.Left)
		switch node.Identifier.Name {
		case "caller", "callee":
			n.use(node.Identifier.Name)
		}
		return nil
	case *ast.VariableExpression:
		if node.Initializer != nil {
			n.written[node.Name] = true
		}
	case *ast.AssignExpression:
		n.write(node.Left)
	case *ast.UnaryExpression:
		if node.Operator == token.INCREMENT || node.Operator == token.DECREMENT || node.Operator == token.DELETE {
			n.write(node.Operand)
		}
	case *ast.ForInStatement:
		n.write(node.Into)
	case *ast.CatchStatement:
		if node == nil {
			return nil // of a try that has only finally
		}
		n.write(node.Parameter) // a name of its own; taking it for the scope's is on the safe side
	case *ast.FunctionLiteral:
		n.enclose(node)
		return nil
	}
	return n
}

func (n *names) Exit(ast.Node) {}

func (n *names) use(name string) {
	if !n.own[name] {
		n.free[name] = true
	}
}

func (n *names) write(e ast.Expression) {
	switch e := e.(type) {
	case *ast.Identifier:
		n.written[e.Name] = true
	case *ast.VariableExpression:
		n.written[e.Name] = true
	}
}

// enclose adds what a function takes from around it.
func (n *names) enclose(fn *ast.FunctionLiteral) {
	inner := scopeNames(fn.ParameterList.List, fn.DeclarationList)
	if fn.Name != nil {
		inner.own[fn.Name.Name] = true
	}
	inner.own["arguments"] = true
	ast.Walk(inner, fn.Body)
	for name := range inner.free {
		n.use(name)
	}
	for name := range inner.written {
		if !inner.own[name] {
			n.written[name] = true
		}
	}
}
