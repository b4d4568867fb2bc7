package ottojs

import (
	"strings"

	"github.com/robertkrimen/otto/ast"
)

// lastMatch refuses RegExp.$1 and its like, which otto has not: they would be
// undefined.
func (rw *rewriter) lastMatch(of ast.Expression, name string) {
	id, ok := of.(*ast.Identifier)
	if !ok || id.Name != "RegExp" {
		return
	}
	switch name {
	case "lastMatch", "lastParen", "leftContext", "rightContext":
	default:
		if len(name) != 2 || name[0] != '$' || strings.IndexByte("123456789&+`'_", name[1]) < 0 {
			return
		}
	}
	rw.refuse(id.Idx, "otto has no RegExp."+name+"; take it from the array that exec or match returns")
}
