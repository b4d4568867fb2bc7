package gojajs

import (
	"maps"
	"reflect"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/token"

	"github.com/fazt-sh/fazt/runtime/internal/brackets"
)

var relational = map[token.Token]bool{token.LESS: true, token.LESS_OR_EQUAL: true, token.GREATER: true, token.GREATER_OR_EQUAL: true,
	token.INSTANCEOF: true, token.IN: true}

// associate makes a < b < c what it means, (a < b) < c: goja's parser reads it as
// a < (b < c). Its tree is the same for both, so the source tells which it is.
func (rw *rewriter) associate(n *ast.BinaryExpression) {
	if _, ok := n.Left.(*ast.PrivateIdentifier); ok {
		n.Operator = token.IN // goja takes the sign behind #a in b for the operator
		return
	}
	for relational[n.Operator] {
		right, ok := n.Right.(*ast.BinaryExpression)
		if !ok || !relational[right.Operator] || rw.parenthesized(n, right) {
			return
		}
		*n = ast.BinaryExpression{
			Operator: right.Operator, Comparison: right.Comparison, Right: right.Right,
			Left: &ast.BinaryExpression{Operator: n.Operator, Comparison: n.Comparison, Left: n.Left, Right: right.Left},
		}
	}
}

// parenthesized tells whether an expression's right side is in parentheses.
func (rw *rewriter) parenthesized(n, right *ast.BinaryExpression) bool {
	if rw.brackets == nil {
		regexps := make(map[int]int)
		maps.Copy(regexps, rw.regexps)
		nodes(reflect.ValueOf(rw.body), make(map[any]bool), func(node any) bool {
			if re, ok := node.(*ast.RegExpLiteral); ok {
				regexps[int(re.Idx)-1] = len(re.Literal)
			}
			return true
		})
		rw.brackets = brackets.Pairs(rw.text, regexps)
	}
	return brackets.Between(rw.brackets, int(right.Left.Idx0())-1, int(right.Right.Idx0())-1, int(n.Left.Idx0())-1)
}
