package runtime

import (
	"fmt"
	"slices"
)

// maxHeads is how deep arrow functions may stand in the parameters of arrow
// functions. goja reads what may be parameters twice, and so what is n deep 2^n
// times.
const maxHeads = 4

const strayArrow = "Unexpected token =>"

// Signs and words behind which an expression may begin that is an arrow function.
var (
	arrowSigns = []string{"", "(", "[", "{", ",", ";", ":", "?", "...", "=>", "=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=",
		"<<=", ">>=", ">>>=", "**=", "&&=", "||=", "??="}
	arrowWords = map[string]bool{"": true, "return": true, "throw": true, "case": true, "do": true, "else": true, "yield": true,
		"default": true, "of": true, "async": true}
)

// arrowMayBegin tells whether an arrow function may begin behind the token before.
func (n *nesting) arrowMayBegin() bool {
	switch top := n.levels[len(n.levels)-1]; n.punct {
	case 0:
		return arrowWords[n.word]
	case ')':
		return n.head
	case '}':
		return top.open == 0 || top.open == '{'
	}
	return slices.Contains(arrowSigns, n.src[n.sign:n.signEnd])
}

// arrow looks at what stands before =>. Where that can't be parameters the parser
// is not asked: to find out it reads all of it again.
func (n *nesting) arrow() string {
	top := &n.levels[len(n.levels)-1]
	switch n.punct {
	case 0:
		if !n.mayHead {
			return strayArrow
		}
	case ')':
		if !n.mayHead {
			return strayArrow
		}
		n.extent.tokens += n.inside
		if top.heads = max(top.heads, n.heads+1); top.heads > maxHeads {
			return fmt.Sprintf("arrow functions stand deeper than %d levels in one another's parameters; name the inner ones before", maxHeads)
		}
	default:
		return strayArrow
	}
	return ""
}
