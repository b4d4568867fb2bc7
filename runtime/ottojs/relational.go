package ottojs

import (
	"github.com/robertkrimen/otto/ast"
	"github.com/robertkrimen/otto/token"

	"github.com/fazt-sh/fazt/runtime/internal/brackets"
)

var relational = map[token.Token]bool{token.LESS: true, token.LESS_OR_EQUAL: true, token.GREATER: true, token.GREATER_OR_EQUAL: true,
	token.INSTANCEOF: true, token.IN: true}

// associate makes a < b < c what it means, (a < b) < c: otto's parser reads it as
// a < (b < c). Its tree is the same for both, so the source tells which it is.
func (rw *rewriter) associate(e *ast.BinaryExpression) {
	for relational[e.Operator] {
		right, ok := e.Right.(*ast.BinaryExpression)
		if !ok || !relational[right.Operator] || rw.parenthesized(e, right) {
			return
		}
		*e = ast.BinaryExpression{
			Operator: right.Operator, Comparison: right.Comparison, Right: right.Right,
			Left: &ast.BinaryExpression{Operator: e.Operator, Comparison: e.Comparison, Left: e.Left, Right: right.Left},
		}
	}
}

// parenthesized tells whether an expression's right side is in parentheses.
func (rw *rewriter) parenthesized(e, right *ast.BinaryExpression) bool {
	base := 1 + len(before)
	if rw.brackets == nil {
		regexps := make(regexpPlaces)
		ast.Walk(regexps, rw.program)
		rw.brackets = brackets.Pairs(rw.file.Source(), regexps)
	}
	return brackets.Between(rw.brackets, int(right.Left.Idx0())-base, int(right.Right.Idx0())-base, int(e.Left.Idx0())-base)
}

// regexpPlaces collects where regular expressions are, and how long.
type regexpPlaces map[int]int

func (p regexpPlaces) Enter(n ast.Node) ast.Visitor {
	if re, ok := n.(*ast.RegExpLiteral); ok {
		p[int(re.Idx)-1-len(before)] = len(re.Literal)
	}
	return p
}

func (p regexpPlaces) Exit(ast.Node) {}
