package gojajs

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/unistring"
)

// A call such as fazt.storage.kv.get(key) needs neither the objects in its name nor
// a function of the run's own, which together take longer to make than the call
// takes. Such a callee becomes a property of the instrument, see inside.go, whose
// value is made once for a VM. No code can get hold of it, so it may belong to
// another interpreter than the run's.
//
// It has to mean what the name means. The host's objects can't be changed, so that
// is a question of their root: nothing may declare it, nor put a property of that
// name in front of the global. See survey. Which functions the host has is not known
// when the program is compiled: the names below fazt and console are taken for some,
// see runtime.Unit.Binds.

// definers are names by which a program could put a property in front of a global
// that can't be assigned.
var definers = []string{"defineProperty", "defineProperties", "setPrototypeOf", "__proto__", "Reflect"}

// survey is what the files of a program mention before they are rewritten.
type survey struct {
	names map[string]int // how often, as an identifier, a key or a text
	roots map[string]int // of these, how often as a name that is called or looked into
	// A class or super defines something under a name that is computed.
	computed bool
}

func newSurvey() *survey {
	return &survey{names: make(map[string]int), roots: make(map[string]int)}
}

// add looks through a file.
func (s *survey) add(program *ast.Program) {
	each(reflect.ValueOf(program), make(map[any]bool), func(v reflect.Value) {
		if name, ok := v.Interface().(unistring.String); ok {
			s.names[name.String()]++
		}
	})
	nodes(reflect.ValueOf(program), make(map[any]bool), func(node any) bool {
		switch n := node.(type) {
		case *ast.CallExpression:
			s.root(n.Callee)
		case *ast.DotExpression:
			s.root(n.Left)
		case *ast.BracketExpression:
			_, super := n.Left.(*ast.SuperExpression) // assigns to this, whatever that inherits
			s.computed = s.computed || super
		case *ast.FieldDefinition:
			s.computed = s.computed || n.Computed
		}
		return true
	})
}

func (s *survey) root(e ast.Expression) {
	if id, ok := e.(*ast.Identifier); ok {
		s.roots[id.Name.String()]++
	}
}

func (s *survey) mentions(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return s.names[name] > 0 })
}

// isGlobal tells whether a name means the host's global wherever it is.
func (s *survey) isGlobal(name string) bool {
	return !s.computed && s.names[name] == s.roots[name] && !s.mentions(definers...)
}

// nodes visits the nodes of a tree once, a node before its children, which are left
// out if visit returns false.
func nodes(v reflect.Value, seen map[any]bool, visit func(node any) bool) {
	switch v.Kind() {
	case reflect.Interface:
		nodes(v.Elem(), seen, visit)
	case reflect.Pointer:
		if v.IsNil() || seen[v.Interface()] {
			return
		}
		seen[v.Interface()] = true
		if visit(v.Interface()) {
			nodes(v.Elem(), seen, visit)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			nodes(v.Field(i), seen, visit)
		}
	case reflect.Slice:
		for i := range v.Len() {
			nodes(v.Index(i), seen, visit)
		}
	}
}

// bind replaces the callee of a call of a host function.
func (rw *rewriter) bind(n *ast.CallExpression) {
	name := rw.boundName(n.Callee)
	if name == "" {
		return
	}
	root, _, _ := strings.Cut(name, ".")
	if !slices.Contains(rw.script.calls, name) {
		rw.script.calls = append(rw.script.calls, name)
	}
	if !slices.Contains(rw.script.roots, root) {
		rw.script.roots = append(rw.script.roots, root)
	}
	n.Callee = inside(name, n.Callee.Idx0())
}

// boundName returns the dotted name of the host function that a callee means, or "".
func (rw *rewriter) boundName(callee ast.Expression) string {
	name, root := dotted(callee)
	if name == "" || rw.script == nil || name != "respond" && !rw.script.unit.Binds(name) || !rw.survey.isGlobal(root) {
		return ""
	}
	return name
}

// dotted returns a name such as a.b.c, and the a in it; "" for anything else.
func dotted(e ast.Expression) (name, root string) {
	switch e := e.(type) {
	case *ast.Identifier:
		return e.Name.String(), e.Name.String()
	case *ast.DotExpression:
		if name, root = dotted(e.Left); name != "" {
			name += "." + e.Identifier.Name.String()
		}
	}
	return name, root
}

// Calls are the names of the functions that the host has to have.
func (s *script) Calls() (names []string) {
	for _, name := range s.calls {
		if name != "respond" {
			names = append(names, name)
		}
	}
	return names
}

// newCallees makes the functions that the program's calls are bound to.
func (v *vm) newCallees() (callees values, err error) {
	if len(v.script.calls) == 0 {
		return nil, nil
	}
	js := goja.New()
	for _, name := range v.script.calls {
		f := nativeFunc(v.respond)
		if name != "respond" {
			switch part := v.host.Find(name); {
			case !part.Callable():
				return nil, fmt.Errorf("gojajs: the host has no function %s", name)
			case part.Func != nil:
				f = v.hostFunc(part.Func)
			default:
				f = v.logger(part.Level)
			}
		}
		callees.set(name, v.nativeOf(js, name[strings.LastIndexByte(name, '.')+1:], f))
	}
	return callees, nil
}
