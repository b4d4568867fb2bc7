package ottojs

import (
	"unicode/utf8"

	"github.com/robertkrimen/otto/ast"
	"github.com/robertkrimen/otto/file"
	"github.com/robertkrimen/otto/token"
)

// Texts are cut between UTF-16 units, so that an emoji comes apart, and code that goes
// through a text unit by unit puts it together again. otto's texts are UTF-8 and can't hold
// what is between. So where there is another engine, a file that may cut a text is one for
// that: it calls a method that does, or reads an index of what isn't evidently an array or
// an object. What is evident is told by names, for the whole file.

// cutters are the methods that may return half of a pair. Arrays have the last two as well.
var cutters = nameSet(`charAt substr substring slice at`)

// textMembers are the members that texts have. What has another one is no text.
var textMembers = nameSet(`length at charAt charCodeAt codePointAt concat endsWith includes indexOf isWellFormed
	lastIndexOf localeCompare match matchAll normalize padEnd padStart repeat replace replaceAll search slice split
	startsWith substr substring toLocaleLowerCase toLocaleUpperCase toLowerCase toString toUpperCase toWellFormed
	trim trimEnd trimLeft trimRight trimStart valueOf`)

// onlyTexts have those of these members that arrays don't have.
var onlyTexts = nameSet(`charAt charCodeAt codePointAt endsWith localeCompare match matchAll normalize padEnd padStart
	repeat replace replaceAll search split startsWith substr substring toLocaleLowerCase toLocaleUpperCase
	toLowerCase toUpperCase toWellFormed trim trimEnd trimLeft trimRight trimStart`)

// What calls by these names return.
var (
	returnTexts = nameSet(`String toString charAt join normalize padEnd padStart repeat replace replaceAll stringify
		substr substring toLocaleLowerCase toLocaleUpperCase toLowerCase toUpperCase trim trimEnd trimStart`)
	returnASCII  = nameSet(`toISOString toFixed toPrecision randomUUID btoa encodeURIComponent encodeURI toUTCString`)
	returnOthers = nameSet(`Array split match matchAll exec map filter keys values entries getOwnPropertyNames
		from of sort reverse splice flat flatMap list insertMany toSorted toReversed create getBytes`)
)

// requestObjects are the members of the request that are objects.
var requestObjects = nameSet(`query queryAll params headers cookies form formAll files filesAll bytes`)

// textKind is what an expression is known to be.
type textKind int

const (
	anything textKind = iota
	ascii             // a text without pairs
	aText
	noText // an array, an object or a function
)

// textNames are what the variables and properties of a file are, by their names.
type textNames struct {
	texts, others map[string]bool
}

// findHalves finds the places where a file may cut a text.
func findHalves(body *ast.FunctionLiteral) []need {
	names := &textNames{texts: make(map[string]bool), others: map[string]bool{"arguments": true}}
	for range 2 { // what is told by a name may tell of another
		ast.Walk(&evidence{names}, body)
	}
	c := &cuts{names: names, skip: make(map[ast.Expression]bool)}
	ast.Walk(c, body)
	return c.found
}

// nameOf is by what name an expression is known: elements by that of the array.
func nameOf(e ast.Expression) string {
	switch e := e.(type) {
	case *ast.Identifier:
		return e.Name
	case *ast.DotExpression:
		return e.Identifier.Name
	case *ast.BracketExpression:
		if name, ok := propertyName(e.Member); ok {
			return name
		}
		if of := nameOf(e.Left); of != "" {
			return of + "[]"
		}
	}
	return ""
}

// propertyName is the literal name of a property that is no index.
func propertyName(e ast.Expression) (string, bool) {
	if s, ok := e.(*ast.StringLiteral); ok && index(s.Value) == index("") {
		return s.Value, true
	}
	return "", false
}

// kindOf is what an expression evidently is.
func (n *textNames) kindOf(e ast.Expression) textKind {
	switch e := e.(type) {
	case *ast.StringLiteral:
		return kindOfText(e.Value)
	case *ast.ArrayLiteral, *ast.ObjectLiteral, *ast.FunctionLiteral, *ast.ThisExpression, *ast.RegExpLiteral:
		return noText
	case *ast.NewExpression:
		if nameOf(e.Callee) == "String" {
			return aText
		}
		return noText
	case *ast.BinaryExpression:
		return n.kindOfBinary(e)
	case *ast.ConditionalExpression:
		return n.either(e.Consequent, e.Alternate)
	case *ast.AssignExpression:
		return n.kindOf(e.Right)
	case *ast.SequenceExpression:
		return n.kindOf(e.Sequence[len(e.Sequence)-1])
	case *ast.CallExpression:
		return n.kindOfCall(e)
	}
	_, member := e.(*ast.DotExpression)
	switch name := nameOf(e); {
	case n.texts[name]:
		return aText
	case n.others[name], member && requestObjects[name], name == "prototype" && nameOf(memberOf(e)) == "Array":
		return noText
	}
	return anything
}

func kindOfText(s string) textKind {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return aText
		}
	}
	return ascii
}

func (n *textNames) kindOfBinary(e *ast.BinaryExpression) textKind {
	switch e.Operator {
	case token.LOGICAL_OR, token.LOGICAL_AND:
		return n.either(e.Left, e.Right)
	case token.PLUS:
		left, right := n.kindOf(e.Left), n.kindOf(e.Right)
		switch {
		case left == ascii && right == ascii:
			return ascii
		case left == aText || right == aText || left == ascii || right == ascii:
			return aText
		}
	}
	return anything
}

// either is what one of two expressions is, of which the other may stand for what isn't
// there.
func (n *textNames) either(a, b ast.Expression) textKind {
	x, y := n.kindOf(a), n.kindOf(b)
	switch {
	case x == y:
		return x
	case x == aText || y == aText || x == ascii || y == ascii:
		return aText
	}
	return noText
}

func (n *textNames) kindOfCall(e *ast.CallExpression) textKind {
	name, of := nameOf(e.Callee), memberOf(e.Callee)
	switch {
	case of != nil && (name == "slice" || name == "concat"):
		return n.kindOf(of)
	case name == "find": // an array's gives an element
		if nameOf(of) == "ds" {
			return noText
		}
	case returnASCII[name]:
		return ascii
	case returnTexts[name]:
		return aText
	case returnOthers[name]:
		return noText
	}
	return anything
}

// evidence collects what is known of names.
type evidence struct{ *textNames }

func (v *evidence) other(e ast.Expression) {
	if name := nameOf(e); name != "" {
		v.others[name] = true
	}
}

// gives notes what a name is given.
func (v *evidence) gives(name string, value ast.Expression) {
	if value == nil || name == "" {
		return
	}
	switch v.kindOf(value) {
	case ascii, aText:
		v.texts[name] = true
	case noText:
		v.others[name] = true
	}
}

// Enter and Exit make it an [ast.Visitor].
func (v *evidence) Enter(n ast.Node) ast.Visitor {
	switch n := n.(type) {
	case *ast.VariableExpression:
		v.gives(n.Name, n.Initializer)
	case *ast.ObjectLiteral:
		for _, p := range n.Value {
			v.gives(p.Key, p.Value)
		}
	case *ast.AssignExpression:
		if n.Operator == token.ASSIGN || n.Operator == token.PLUS {
			v.gives(nameOf(n.Left), n.Right)
		}
		v.changed(n.Left)
	case *ast.UnaryExpression:
		switch n.Operator {
		case token.INCREMENT, token.DECREMENT, token.DELETE:
			v.changed(n.Operand)
		}
	case *ast.DotExpression:
		switch name := n.Identifier.Name; {
		case onlyTexts[name]:
			if of := nameOf(n.Left); of != "" {
				v.texts[of] = true
			}
		case !textMembers[name]:
			v.other(n.Left)
			v.changed(n.Left) // elements that are no texts are not those of a text
		}
	case *ast.BracketExpression:
		if name, ok := propertyName(n.Member); ok && !textMembers[name] {
			v.other(n.Left)
		}
	case *ast.CallExpression:
		if b, ok := n.Callee.(*ast.BracketExpression); ok {
			v.other(b.Left)
		}
	case *ast.BinaryExpression:
		if n.Operator == token.IN {
			v.other(n.Right)
		}
	}
	return v
}

func (v *evidence) Exit(ast.Node) {}

// changed notes what has a member that no text has.
func (v *evidence) changed(target ast.Expression) {
	if of := memberOf(target); of != nil {
		v.other(of)
	}
}

// cuts collects where a text may be cut.
type cuts struct {
	names *textNames
	skip  map[ast.Expression]bool // members that are not read
	found []need
}

func (c *cuts) note(at file.Idx, what string) {
	c.found = append(c.found, need{at: at, reason: "otto's texts can't hold half of an emoji, which " + what + " may return"})
}

// mayCut tells what may be a text that has pairs.
func (c *cuts) mayCut(e ast.Expression) bool {
	s := c.names.kindOf(e)
	return s == anything || s == aText
}

// Enter and Exit make it an [ast.Visitor].
func (c *cuts) Enter(n ast.Node) ast.Visitor {
	switch n := n.(type) {
	case *ast.AssignExpression:
		c.skip[n.Left] = true
	case *ast.ForInStatement:
		c.skip[n.Into] = true
	case *ast.UnaryExpression:
		c.skip[n.Operand] = n.Operator == token.DELETE || n.Operator == token.INCREMENT || n.Operator == token.DECREMENT
	case *ast.DotExpression:
		c.method(n.Left, n.Identifier.Name, n.Identifier.Idx)
	case *ast.BracketExpression:
		name, property := propertyName(n.Member)
		switch {
		case property:
			c.method(n.Left, name, n.Idx0())
		case !c.skip[n] && c.mayCut(n.Left) && !c.isKey(n.Member):
			c.note(n.Idx0(), "reading a text by its index")
		}
	case *ast.RegExpLiteral:
		c.pattern(n.Pattern, n.Idx)
	case *ast.NewExpression:
		c.constructed(n.Callee, n.ArgumentList)
	case *ast.CallExpression:
		c.skip[n.Callee] = true
		c.call(n)
		c.constructed(n.Callee, n.ArgumentList)
	}
	return c
}

func (c *cuts) Exit(ast.Node) {}

// isKey tells what is evidently the name of a property.
func (c *cuts) isKey(member ast.Expression) bool {
	switch c.names.kindOf(member) {
	case ascii, aText:
		s, ok := member.(*ast.StringLiteral)
		return !ok || index(s.Value) == index("")
	}
	return false
}

// method looks at a member by its name.
func (c *cuts) method(of ast.Expression, name string, at file.Idx) {
	if cutters[name] && c.mayCut(of) {
		c.note(at, name)
	}
}

// pattern looks at a regular expression.
func (c *cuts) pattern(source string, at file.Idx) {
	if cutsPairs(source) {
		c.found = append(c.found, need{at: at, reason: "otto's regular expressions take an emoji for one character, JavaScript for two"})
	}
}

// constructed looks at regular expressions that are made of texts.
func (c *cuts) constructed(callee ast.Expression, args []ast.Expression) {
	switch nameOf(callee) {
	case "RegExp", "match", "search":
		if len(args) == 0 {
			return
		}
		if source, ok := args[0].(*ast.StringLiteral); ok {
			c.pattern(source.Value, source.Idx)
		}
	}
}

// call looks at calls that are cuts by what they are given.
func (c *cuts) call(e *ast.CallExpression) {
	name, args := nameOf(e.Callee), e.ArgumentList
	if len(args) == 0 {
		return
	}
	first, literal := args[0].(*ast.StringLiteral)
	switch name {
	case "split":
		if literal && first.Value == "" && c.mayCut(memberOf(e.Callee)) {
			c.note(e.Callee.Idx1()-file.Idx(len(name)), "split('')")
		}
	case "fromCharCode", "fromCodePoint":
		for _, a := range args {
			_, known := a.(*ast.NumberLiteral)
			if n := most(a); !(n < 0xD800) && !(known && n > 0xDFFF) {
				c.note(e.Idx0(), name)
				return
			}
		}
	case "padStart", "padEnd":
		if fill, ok := args[len(args)-1].(*ast.StringLiteral); ok && kindOfText(fill.Value) != ascii {
			c.note(e.Callee.Idx1()-file.Idx(len(name)), name)
		}
	case "parse":
		if literal && hasHalf(joinPairs(first.Value)) {
			c.note(first.Idx, "JSON.parse")
		}
	case "call", "apply":
		c.borrowed(memberOf(e.Callee), args[0])
	}
}

// borrowed looks at a method of arrays that a text may be given for an array.
func (c *cuts) borrowed(method, on ast.Expression) {
	of := memberOf(method)
	if array, ok := of.(*ast.ArrayLiteral); ok && len(array.Value) == 0 || nameOf(of) == "prototype" && nameOf(memberOf(of)) == "Array" {
		if c.mayCut(on) {
			c.note(method.Idx0(), "a method of arrays on a text")
		}
	}
}
