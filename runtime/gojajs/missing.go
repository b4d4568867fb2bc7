package gojajs

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/token"

	"github.com/fazt-sh/fazt/runtime"
)

// Names that other servers have and handlers don't are refused when a program is loaded,
// where no file declares one, asks by typeof whether it is there, or tries it.

// missing is what a file wants of the globals that aren't there.
type missing struct {
	used map[string]ast.Node // the first place
	made map[string]bool     // what is declared or assigned anywhere, or asked for
}

// mayMiss tells whether a text has the name of a global that isn't there.
func mayMiss(text string) bool {
	return strings.Contains(text, "revocable") ||
		slices.ContainsFunc(runtime.MissingGlobals(), func(name string) bool { return strings.Contains(text, name) })
}

func findMissing(body ast.Node) *missing {
	m := &missing{used: make(map[string]ast.Node), made: make(map[string]bool)}
	m.collect(reflect.ValueOf(body), make(map[any]bool))
	return m
}

func (m *missing) collect(of reflect.Value, seen map[any]bool) {
	nodes(of, seen, func(node any) bool {
		switch n := node.(type) {
		case *ast.Identifier:
			m.use(n.Name.String(), n)
		case *ast.DotExpression:
			if isRevocable(n) && m.used[revocable] == nil {
				m.used[revocable] = n
			}
		case *ast.Binding:
			m.makes(n.Target)
		case *ast.ForDeclaration:
			m.makes(n.Target)
		case *ast.ParameterList:
			m.makes(n.Rest)
		case *ast.CatchStatement:
			m.makes(n.Parameter)
		case *ast.FunctionLiteral:
			m.declare(n.Name)
		case *ast.ClassLiteral:
			m.declare(n.Name)
		case *ast.AssignExpression:
			m.makes(n.Left)
		case *ast.UnaryExpression:
			if n.Operator == token.TYPEOF {
				m.makes(n.Operand)
				return !isRevocable(n.Operand)
			}
		case *ast.LabelledStatement:
			m.collect(reflect.ValueOf(n.Statement), seen)
			return false
		case *ast.BranchStatement, *ast.MetaProperty:
			return false
		case *ast.TryStatement:
			m.collect(reflect.ValueOf(n.Catch), seen)
			m.collect(reflect.ValueOf(n.Finally), seen)
			return false
		}
		return true
	})
}

// revocable is what Proxy has elsewhere.
const revocable = "Proxy.revocable"

func isRevocable(e ast.Expression) bool {
	dot, ok := e.(*ast.DotExpression)
	if !ok || dot.Identifier.Name != "revocable" {
		return false
	}
	id, ok := dot.Left.(*ast.Identifier)
	return ok && id.Name == "Proxy"
}

func (m *missing) use(name string, at ast.Node) {
	if _, missing := runtime.MissingGlobal(name); missing && m.used[name] == nil {
		m.used[name] = at
	}
}

func (m *missing) declare(name *ast.Identifier) {
	if name != nil {
		m.made[name.Name.String()] = true
	}
}

// makes notes the names that a pattern declares or assigns.
func (m *missing) makes(pattern ast.Expression) {
	switch p := pattern.(type) {
	case *ast.Identifier:
		m.declare(p)
	case *ast.ObjectPattern, *ast.ArrayPattern:
		nodes(reflect.ValueOf(p), make(map[any]bool), func(node any) bool {
			switch n := node.(type) {
			case *ast.Identifier:
				m.declare(n)
			case *ast.PropertyShort:
				m.declare(&n.Name)
				return false
			case *ast.PropertyKeyed:
				m.makes(n.Value)
				return false
			case *ast.AssignExpression: // with a default
				m.makes(n.Left)
				return false
			}
			return true
		})
	}
}

// checkMissing refuses a program that wants what isn't there.
func checkMissing(files []*parsed) error {
	made := make(map[string]bool)
	for _, f := range files {
		if f.missing != nil {
			maps.Copy(made, f.missing.made)
		}
	}
	for _, f := range files {
		if f.missing == nil {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(f.missing.used)) {
			root, _, _ := strings.Cut(name, ".")
			if made[root] {
				continue
			}
			p := f.program.File.Position(int(f.missing.used[name].Idx0()) - 1)
			e := runtime.NoGlobal(name)
			if name == revocable {
				e.Hint = "use new Proxy"
			}
			e.File, e.Line, e.Column = p.Filename, p.Line, p.Column
			return e
		}
	}
	return nil
}
