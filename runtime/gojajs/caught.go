package gojajs

import (
	"errors"
	"maps"
	"reflect"
	"regexp"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
)

// maxCaught bounds how many times a file is compiled again for the names below.
const maxCaught = 10

var redeclared = regexp.MustCompile(`^Identifier '(.+)' has already been declared$`)

// again compiles a file again whose catch (e) { var e = ... } goja has refused, which
// is allowed (ECMA-262, annex B.3.4): the catch's e is set, and the function's is
// declared. It returns nil if that is not what was wrong.
func (f *parsed) again(rw *rewriter, err error, check func() error) (*module, error) {
	var ce *goja.CompilerSyntaxError
	if !errors.As(err, &ce) || len(rw.caught) >= maxCaught {
		return nil, nil
	}
	m := redeclared.FindStringSubmatch(ce.Message)
	if m == nil || rw.caught[m[1]] {
		return nil, nil
	}
	caught := map[string]bool{m[1]: true}
	maps.Copy(caught, rw.caught)
	return parseFile(f.name, f.text, f.main, check).compile(&rewriter{mentions: rw.mentions, passOn: rw.passOn, caught: caught}, check)
}

// setCaught makes assignments of the variables that are called as what is caught.
func (rw *rewriter) setCaught(n *ast.CatchStatement) {
	param, ok := n.Parameter.(*ast.Identifier)
	if !ok || !rw.caught[param.Name.String()] {
		return
	}
	file := rw.scopes[0].fn
	nodes(reflect.ValueOf(n.Body), make(map[any]bool), func(node any) bool {
		switch s := node.(type) {
		case *ast.FunctionLiteral, *ast.ArrowFunctionLiteral, *ast.ClassLiteral:
			return false
		case *ast.VariableStatement:
			for _, b := range s.List {
				id, ok := b.Target.(*ast.Identifier)
				if !ok || id.Name != param.Name {
					continue
				}
				if b.Initializer != nil {
					b.Initializer = assign(id, b.Initializer)
				}
				b.Target = identifier(idHoisted, id.Idx)
				file.DeclarationList = append(file.DeclarationList, &ast.VariableDeclaration{Var: 1, List: []*ast.Binding{{Target: identifier(idHoisted, 1)}}})
			}
		}
		return true
	})
}
