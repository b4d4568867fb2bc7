package gojajs

import "github.com/dop251/goja/ast"

// idArguments is a function's arguments, for the arrow functions in it.
const idArguments = "its arguments"

const noArguments = "arguments can't be used in an arrow function here; give it, or the function around it, a parameter like ...args"

// scope is a function that is no arrow function, and what is around in it.
type scope struct {
	fn        *ast.FunctionLiteral
	arrows    int  // arrow functions around
	arguments bool // one of them uses the function's arguments
}

// arguments gives an arrow function the arguments of the function around it by
// another name: goja reads them from the wrong place of its stack, where there may be
// anything.
func (rw *rewriter) arguments(id *ast.Identifier) {
	s := &rw.scopes[len(rw.scopes)-1]
	if id.Name != "arguments" || s.arrows == 0 {
		return
	}
	if len(rw.scopes) == 1 || id.Idx < s.fn.Body.LeftBrace || declaresArguments(s.fn) {
		rw.refuse(id.Idx, noArguments)
		return
	}
	id.Name = identifier(idArguments, 1).Name
	s.arguments = true
}

// declaresArguments tells whether a function has a variable called arguments.
func declaresArguments(fn *ast.FunctionLiteral) bool {
	names := lexicalNames(fn.Body.List)
	for _, d := range fn.DeclarationList {
		declaredNames(d.List, names)
	}
	for _, p := range fn.ParameterList.List {
		boundNames(p.Target, names)
	}
	boundNames(fn.ParameterList.Rest, names)
	for _, s := range fn.Body.List {
		if d, ok := s.(*ast.FunctionDeclaration); ok {
			names[d.Function.Name.Name.String()] = true
		}
	}
	return names["arguments"]
}

// keepArguments has a function keep its arguments for the arrow functions in it.
func keepArguments(fn *ast.FunctionLiteral) {
	at := fn.Body.LeftBrace
	fn.Body.List = behindDirectives(fn.Body.List, variable(idArguments, identifier("arguments", at), at))
	fn.DeclarationList = append(fn.DeclarationList, &ast.VariableDeclaration{Var: 1, List: []*ast.Binding{{Target: identifier(idArguments, 1)}}})
}
