package ottojs

import (
	"slices"

	"github.com/robertkrimen/otto/ast"
)

// When Go reads what a handler answers, getters and conversions may run. If all
// of them are natives, nothing bounds how deep they call one another, unless Go
// reads inside of a call, see vm.catch; and that call takes a tenth of a small
// handler's time. A program that can't have put a native where reading would call
// it is spared that: one that doesn't write the name of any conversion, of what
// makes accessors, binds or makes properties of names that are data, nor a name
// that it computes.

// conversions are such names.
var conversions = []string{"toJSON", "toISOString", "toString", "toLocaleString", "toLocaleDateString", "toLocaleTimeString",
	"valueOf", "join", "defineProperty", "defineProperties", "create", "bind", "prototype", "getPrototypeOf", "setPrototypeOf",
	"isPrototypeOf", "constructor", "__proto__", "fromEntries"}

// isPlain tells whether a file is one of a program that needs no bound.
func isPlain(program *ast.Program) bool {
	p := plainness{plain: true, parse: make(map[*ast.DotExpression]bool)}
	ast.Walk(&p, program)
	return p.plain
}

// plainness is an [ast.Visitor].
type plainness struct {
	plain bool
	parse map[*ast.DotExpression]bool // x.parse that is called with one argument, and so without a reviver
}

func (p *plainness) name(name string) {
	if slices.Contains(conversions, name) {
		p.plain = false
	}
}

// Enter looks at a node.
func (p *plainness) Enter(n ast.Node) ast.Visitor {
	switch n := n.(type) {
	case *ast.Identifier:
		if n != nil {
			p.name(n.Name)
		}
	case *ast.CallExpression:
		if dot, ok := n.Callee.(*ast.DotExpression); ok && len(n.ArgumentList) == 1 {
			p.parse[dot] = true
		}
	case *ast.DotExpression:
		p.name(n.Identifier.Name)
		if n.Identifier.Name == "parse" && !p.parse[n] {
			p.plain = false
		}
	case *ast.BracketExpression:
		switch member := n.Member.(type) {
		case *ast.NumberLiteral:
		case *ast.StringLiteral:
			p.name(member.Value)
			p.plain = p.plain && member.Value != "parse"
		default:
			p.plain = false
		}
	case *ast.ObjectLiteral:
		for _, property := range n.Value {
			p.name(property.Key)
			p.plain = p.plain && property.Kind == "value"
		}
	}
	if !p.plain {
		return nil
	}
	return p
}

// Exit does nothing.
func (p *plainness) Exit(ast.Node) {}
