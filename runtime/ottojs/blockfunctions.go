package ottojs

import (
	"slices"

	"github.com/robertkrimen/otto/ast"
	"github.com/robertkrimen/otto/file"
	"github.com/robertkrimen/otto/token"
)

// blockFunctions gives functions that are declared in blocks the meaning that code
// depends on (ECMA-262, annex B.3.3): such a function is a variable of the whole
// function around, which is undefined until the block is entered. otto declares it
// where the function around begins, the last of a name for all. Where that isn't the
// same because the block has a variable of its own, the program is refused.
type blockFunctions struct {
	rw     *rewriter
	fn     *ast.FunctionLiteral
	caught []*ast.Identifier // by the catches around
	params map[string]bool   // nil until they are needed
	found  map[*ast.FunctionLiteral]bool
	vars   []*ast.VariableExpression
}

func (rw *rewriter) blockFunctions(fn *ast.FunctionLiteral) {
	b := &blockFunctions{rw: rw, fn: fn, found: make(map[*ast.FunctionLiteral]bool)}
	for _, s := range fn.Body.(*ast.BlockStatement).List {
		b.inside(s)
	}
	if len(b.found) == 0 {
		return
	}
	fn.DeclarationList = slices.DeleteFunc(fn.DeclarationList, func(d ast.Declaration) bool {
		f, ok := d.(*ast.FunctionDeclaration)
		return ok && b.found[f.Function]
	})
	fn.DeclarationList = append(fn.DeclarationList, &ast.VariableDeclaration{List: b.vars})
}

// inside looks into the blocks of a statement that is in none.
func (b *blockFunctions) inside(s ast.Statement) {
	switch s := s.(type) {
	case *ast.BlockStatement:
		s.List = b.statements(s, s.List)
	case *ast.IfStatement:
		s.Consequent, s.Alternate = b.branch(s.Consequent), b.branch(s.Alternate)
	case *ast.LabelledStatement:
		b.inside(s.Statement)
	case *ast.DoWhileStatement:
		b.inside(s.Body)
	case *ast.WhileStatement:
		b.inside(s.Body)
	case *ast.ForStatement:
		b.inside(s.Body)
	case *ast.ForInStatement:
		b.inside(s.Body)
	case *ast.SwitchStatement:
		b.cases(s)
	case *ast.TryStatement:
		b.inside(s.Body)
		if s.Catch != nil {
			b.caught = append(b.caught, s.Catch.Parameter)
			b.inside(s.Catch.Body)
			b.caught = b.caught[:len(b.caught)-1]
		}
		if s.Finally != nil {
			b.inside(s.Finally)
		}
	case *ast.WithStatement:
		b.inside(s.Body)
	}
}

// branch makes a block of a function that is the whole of an if's branch.
func (b *blockFunctions) branch(s ast.Statement) ast.Statement {
	if fn, ok := s.(*ast.FunctionStatement); ok {
		s = &ast.BlockStatement{LeftBrace: fn.Idx0(), List: []ast.Statement{fn}, RightBrace: fn.Idx1()}
	}
	b.inside(s)
	return s
}

// statements has the functions of a block set where it begins.
func (b *blockFunctions) statements(block ast.Node, list []ast.Statement) []ast.Statement {
	var set []ast.Statement
	names := make(map[string]file.Idx)
	for _, s := range list {
		fn, ok := s.(*ast.FunctionStatement)
		if !ok {
			b.inside(s)
			continue
		}
		name := fn.Function.Name
		names[name.Name] = name.Idx
		v := &ast.VariableExpression{Name: name.Name, Idx: name.Idx, Initializer: fn.Function}
		b.found[fn.Function] = true
		b.vars = append(b.vars, v)
		set = append(set, &ast.VariableStatement{Var: fn.Idx0(), List: []ast.Expression{v}})
	}
	if set == nil {
		return list
	}
	for name, at := range names {
		caught := slices.ContainsFunc(b.caught, func(p *ast.Identifier) bool { return p.Name == name })
		if caught || b.parameters()[name] {
			b.rw.refuse(at, "otto has no function in a block that is named as a parameter is")
		}
	}
	ast.Walk(blockAssignments{b.rw, names}, block)
	return append(set, list...)
}

func (b *blockFunctions) parameters() map[string]bool {
	if b.params == nil {
		b.params = make(map[string]bool)
		for _, p := range b.fn.ParameterList.List {
			b.params[p.Name] = true
		}
	}
	return b.params
}

// cases has the functions of each clause set where it begins. They are those of all
// clauses, so none may be named in another.
func (b *blockFunctions) cases(s *ast.SwitchStatement) {
	owner := make(map[string]*ast.CaseStatement)
	for _, c := range s.Body {
		for _, s := range c.Consequent {
			if fn, ok := s.(*ast.FunctionStatement); ok {
				owner[fn.Function.Name.Name] = c
			}
		}
	}
	for _, c := range s.Body {
		if len(owner) > 0 {
			ast.Walk(clause{b.rw, owner, c}, c)
		}
		c.Consequent = b.statements(c, c.Consequent)
	}
}

// blockAssignments refuses an assignment to a function of the block: the block's
// variable would change, and not the one around.
type blockAssignments struct {
	rw    *rewriter
	names map[string]file.Idx
}

func (b blockAssignments) Enter(n ast.Node) ast.Visitor {
	var to ast.Expression
	switch n := n.(type) {
	case *ast.AssignExpression:
		to = n.Left
	case *ast.UnaryExpression:
		if n.Operator == token.INCREMENT || n.Operator == token.DECREMENT {
			to = n.Operand
		}
	case *ast.ForInStatement:
		to = n.Into
	}
	if id, ok := to.(*ast.Identifier); ok {
		if _, found := b.names[id.Name]; found {
			b.rw.refuse(id.Idx, "otto has no variables of a block, which an assignment to a function that is declared there needs")
		}
	}
	return b
}

func (b blockAssignments) Exit(ast.Node) {}

// clause refuses what names a function of another clause.
type clause struct {
	rw    *rewriter
	owner map[string]*ast.CaseStatement
	self  *ast.CaseStatement
}

func (c clause) Enter(n ast.Node) ast.Visitor {
	if id, ok := n.(*ast.Identifier); ok {
		if owner := c.owner[id.Name]; owner != nil && owner != c.self {
			c.rw.refuse(id.Idx, "otto has no variables of a switch, which a function needs that one clause declares and another names")
		}
	}
	return c
}

func (c clause) Exit(ast.Node) {}
