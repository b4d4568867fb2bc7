package ottojs

import (
	"math"
	"reflect"
	"strconv"

	"github.com/robertkrimen/otto"
	"github.com/robertkrimen/otto/ast"
	"github.com/robertkrimen/otto/file"
	"github.com/robertkrimen/otto/token"

	"github.com/fazt-sh/fazt/runtime/internal/numbers"
)

// otto reads a text as a number in Go's syntax ('1_0' is 10), and takes numbers past 2^63
// for 0 where an operator works on 32 bits. So operands of arithmetic and of comparisons
// that may be texts go through a function first. Most never are, as the variables that
// count and add show; see counting.go.

// arithmetic changes the operators of a file.
type arithmetic struct {
	*scopes
	seen   map[any]bool
	deeper bool // a call was put around an operand
}

// instrumentArithmetic changes the operators in a function. It returns how much deeper the
// tree has become.
func instrumentArithmetic(body *ast.FunctionLiteral) int {
	a := &arithmetic{scopes: findCounting(body), seen: make(map[any]bool)}
	return a.walk(reflect.ValueOf(body))
}

// walk visits a node before its children, and gives expressions the chance to be replaced
// when their children are done. It returns how many of the calls that were put in are
// inside of one another.
func (a *arithmetic) walk(v reflect.Value) (deep int) {
	switch v.Kind() {
	case reflect.Interface:
		if v.IsNil() {
			return 0
		}
		deep = a.walk(v.Elem())
		e, ok := v.Interface().(ast.Expression)
		if !ok || !v.CanSet() {
			return deep
		}
		a.deeper = false
		if r := a.replace(e); r != nil {
			v.Set(reflect.ValueOf(r))
			deep += 2
		}
		if a.deeper {
			deep++
		}
	case reflect.Pointer:
		if v.IsNil() || a.seen[v.Interface()] || v.Type() == reflect.TypeFor[*file.File]() {
			return 0
		}
		a.seen[v.Interface()] = true
		if fn, ok := v.Interface().(*ast.FunctionLiteral); ok {
			defer a.enter(fn)()
		}
		deep = a.walk(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			deep = max(deep, a.walk(v.Field(i)))
		}
	case reflect.Slice:
		for i := range v.Len() {
			deep = max(deep, a.walk(v.Index(i)))
		}
	}
	return deep
}

// replace returns what stands for an expression, or nil to keep it.
func (a *arithmetic) replace(e ast.Expression) ast.Expression {
	switch e := e.(type) {
	case *ast.NumberLiteral:
		if n, ok := e.Value.(int64); ok && (n > 1<<53 || n < -1<<53) {
			e.Value = float64(n) // of which otto would print all digits
		}
	case *ast.UnaryExpression:
		return a.unary(e)
	case *ast.BinaryExpression:
		return a.binary(e)
	case *ast.AssignExpression:
		return a.assign(e)
	}
	return nil
}

func (a *arithmetic) unary(e *ast.UnaryExpression) ast.Expression {
	switch e.Operator {
	case token.PLUS:
		if !a.isNumber(e.Operand) {
			return call(idNumber, e.Idx, e.Operand)
		}
	case token.MINUS:
		e.Operand = a.number(e.Operand)
	case token.BITWISE_NOT:
		e.Operand = a.int32(e.Operand)
	case token.INCREMENT, token.DECREMENT:
		return a.step(e)
	}
	return nil
}

// step is x++ or one of its like.
func (a *arithmetic) step(e *ast.UnaryExpression) ast.Expression {
	if a.isNumber(e.Operand) {
		if _, variable := e.Operand.(*ast.Identifier); variable {
			return nil
		}
	}
	at := e.Idx0()
	op := token.PLUS
	if e.Operator == token.DECREMENT {
		op = token.MINUS
	}
	first, read := a.once(e.Operand)
	step := func(from ast.Expression) ast.Expression {
		return &ast.AssignExpression{Operator: token.ASSIGN, Left: e.Operand, Right: &ast.BinaryExpression{Operator: op, Left: from, Right: number1(at)}}
	}
	if e.Postfix {
		const old = "old value"
		a.hide(old)
		first = append(first, assignTo(old, at, a.number(read)), step(identifier(old, at)), identifier(old, at))
	} else {
		first = append(first, step(a.number(read)))
	}
	if len(first) == 1 {
		return first[0]
	}
	return &ast.SequenceExpression{Sequence: first}
}

// once makes the object and the name of a property that is read and then assigned to
// evaluate once, in first. It returns what reads it.
func (a *arithmetic) once(target ast.Expression) (first []ast.Expression, read ast.Expression) {
	once := func(e ast.Expression, as string) ast.Expression {
		switch e.(type) {
		case *ast.Identifier, *ast.ThisExpression, *ast.NumberLiteral, *ast.StringLiteral:
			return e
		}
		a.hide(as)
		at := e.Idx0()
		first = append(first, assignTo(as, at, e))
		return identifier(as, at)
	}
	switch t := target.(type) {
	case *ast.DotExpression:
		t.Left = once(t.Left, "target object")
		return first, &ast.DotExpression{Left: t.Left, Identifier: t.Identifier}
	case *ast.BracketExpression:
		t.Left = once(t.Left, "target object")
		t.Member = once(t.Member, "target member")
		return first, &ast.BracketExpression{Left: t.Left, Member: t.Member, LeftBracket: t.LeftBracket, RightBracket: t.RightBracket}
	}
	return nil, target
}

// hide declares a variable that code can't name in the function that is being walked.
func (a *arithmetic) hide(name string) {
	if a.current.variables[name] == nil {
		a.current.variables[name] = &variable{}
		fn := a.current.function
		fn.DeclarationList = append(fn.DeclarationList, &ast.VariableDeclaration{List: []*ast.VariableExpression{{Name: name}}})
	}
}

func number1(at file.Idx) ast.Expression {
	return &ast.NumberLiteral{Idx: at, Literal: "1", Value: int64(1)}
}

func (a *arithmetic) binary(e *ast.BinaryExpression) ast.Expression {
	switch e.Operator {
	case token.MINUS, token.MULTIPLY, token.SLASH, token.REMAINDER:
		e.Left, e.Right = a.number(e.Left), a.number(e.Right)
	case token.AND, token.OR, token.EXCLUSIVE_OR, token.SHIFT_LEFT, token.SHIFT_RIGHT, token.UNSIGNED_SHIFT_RIGHT:
		e.Left, e.Right = a.int32(e.Left), a.int32(e.Right)
	case token.LESS, token.GREATER, token.LESS_OR_EQUAL, token.GREATER_OR_EQUAL:
		left, right := a.isNumber(e.Left), a.isNumber(e.Right)
		switch {
		case left:
			e.Right = a.number(e.Right)
		case right:
			e.Left = a.number(e.Left)
		case !isText(e.Left) || !isText(e.Right):
			return call(idLess, e.Left.Idx0(), text(e.Operator.String(), e.Left.Idx0()), e.Left, e.Right)
		}
	case token.EQUAL, token.NOT_EQUAL:
		if a.isNumber(e.Left) && a.isNumber(e.Right) || isPlain(e.Left) || isPlain(e.Right) {
			return nil
		}
		same := call(idEqual, e.Left.Idx0(), e.Left, e.Right)
		if e.Operator == token.EQUAL {
			return same
		}
		return &ast.UnaryExpression{Operator: token.NOT, Idx: e.Left.Idx0(), Operand: same}
	}
	return nil
}

// assign makes x = x - y of x -= y, where x may be a text, and of x |= y.
func (a *arithmetic) assign(e *ast.AssignExpression) ast.Expression {
	operand := a.number
	switch e.Operator {
	case token.MINUS, token.MULTIPLY, token.SLASH, token.REMAINDER:
		if a.isNumber(e.Left) {
			e.Right = a.number(e.Right)
			return nil
		}
	case token.AND, token.OR, token.EXCLUSIVE_OR, token.SHIFT_LEFT, token.SHIFT_RIGHT, token.UNSIGNED_SHIFT_RIGHT:
		operand = a.int32
	default:
		return nil
	}
	first, left := a.once(e.Left)
	e.Right = &ast.BinaryExpression{Operator: e.Operator, Left: operand(left), Right: operand(e.Right)}
	e.Operator = token.ASSIGN
	if len(first) == 0 {
		return nil
	}
	return &ast.SequenceExpression{Sequence: append(first, e)}
}

// number is an operand that is no text.
func (a *arithmetic) number(e ast.Expression) ast.Expression {
	if a.isNumber(e) {
		return e
	}
	a.deeper = true
	return call(idNumber, e.Idx0(), e)
}

// int32 is an operand whose lowest 32 bits otto finds.
func (a *arithmetic) int32(e ast.Expression) ast.Expression {
	switch {
	case most(e) < 1<<62:
		return e
	case a.isNumber(e): // the remainder has the same bits
		return &ast.BinaryExpression{Operator: token.REMAINDER, Left: e, Right: &ast.NumberLiteral{Idx: e.Idx0(), Literal: "4294967296", Value: int64(1 << 32)}}
	}
	a.deeper = true
	return call(idInt32, e.Idx0(), e)
}

// most is a bound of the numbers that an expression can be, without regard to sign:
// infinite for one that says nothing of it.
func most(e ast.Expression) float64 {
	switch e := e.(type) {
	case *ast.NumberLiteral:
		switch n := e.Value.(type) {
		case int64:
			return math.Abs(float64(n))
		case float64:
			return math.Abs(n)
		}
	case *ast.BooleanLiteral, *ast.NullLiteral:
		return 1
	case *ast.UnaryExpression:
		switch e.Operator {
		case token.BITWISE_NOT, token.NOT:
			return 1 << 32
		case token.PLUS, token.MINUS:
			return most(e.Operand)
		}
	case *ast.BinaryExpression:
		switch e.Operator {
		case token.AND, token.OR, token.EXCLUSIVE_OR, token.SHIFT_LEFT, token.SHIFT_RIGHT, token.UNSIGNED_SHIFT_RIGHT:
			return 1 << 32
		case token.REMAINDER:
			return most(e.Right)
		case token.PLUS, token.MINUS:
			return most(e.Left) + most(e.Right)
		case token.MULTIPLY:
			return most(e.Left) * most(e.Right)
		}
	}
	return math.Inf(1)
}

// isText tells what can only be a text, of ASCII.
func isText(e ast.Expression) bool {
	switch e := e.(type) {
	case *ast.StringLiteral:
		return kindOfText(e.Value) == ascii
	case *ast.UnaryExpression:
		return e.Operator == token.TYPEOF
	}
	return false
}

// isPlain tells what otto compares as it should with anything: what isn't equal to a
// number, or a text of the same number in Go's syntax.
func isPlain(e ast.Expression) bool {
	switch e := e.(type) {
	case *ast.StringLiteral:
		f, err := strconv.ParseFloat(e.Value, 64)
		_, wrong := strconv.ParseInt(e.Value, 0, 64)
		want := numbers.Parse(e.Value)
		return err != nil && wrong != nil && math.IsNaN(want) || err == nil && f == want
	case *ast.NullLiteral:
		return true
	case *ast.Identifier:
		return e.Name == "undefined"
	}
	return isText(e)
}

// less is one of the operators <, >, <= and >=.
func (v *vm) less(c otto.FunctionCall) otto.Value {
	x, y := v.primitive(c.Argument(1)), v.primitive(c.Argument(2))
	var less, equal bool
	if x.IsString() && y.IsString() {
		less, equal = lessText(x.String(), y.String()), x.String() == y.String()
	} else {
		a, b := v.toNumber(x), v.toNumber(y)
		if math.IsNaN(a) || math.IsNaN(b) {
			return otto.FalseValue()
		}
		less, equal = a < b, a == b
	}
	switch c.Argument(0).String() {
	case "<":
		return v.bool(less)
	case ">":
		return v.bool(!less && !equal)
	case "<=":
		return v.bool(less || equal)
	}
	return v.bool(!less)
}

// lessText compares by UTF-16 units. Bytes are in the same order but where one text has a
// character past U+FFFF, whose units are less than U+E000, and the other one from there on.
func lessText(a, b string) bool {
	n := min(len(a), len(b))
	for i := range n {
		if x, y := a[i], b[i]; x != y {
			if x >= 0xEE && y >= 0xEE && (x >= 0xF0) != (y >= 0xF0) {
				return x >= 0xF0
			}
			return x < y
		}
	}
	return len(a) < len(b)
}

// equal is the operator ==.
func (v *vm) equal(c otto.FunctionCall) otto.Value {
	x, y := c.Argument(0), c.Argument(1)
	isNumber := func(val otto.Value) bool { return val.IsNumber() || val.IsBoolean() }
	switch {
	case x.IsString() && y.IsString():
		return v.bool(x.String() == y.String())
	case x.IsString() && isNumber(y), y.IsString() && isNumber(x), x.IsNumber() && y.IsNumber():
		return v.bool(v.toNumber(x) == v.toNumber(y))
	}
	return v.invoke(v.lib.equal, undefined, x, y)
}

func (v *vm) bool(b bool) otto.Value {
	if b {
		return otto.TrueValue()
	}
	return otto.FalseValue()
}

// primitive is a value that is no object.
func (v *vm) primitive(val otto.Value) otto.Value {
	if !val.IsObject() {
		return val
	}
	return v.invoke(v.lib.primitive, undefined, val)
}

// int32 is the number that the operators on 32 bits make of a value.
func (v *vm) int32(c otto.FunctionCall) otto.Value {
	return v.value(int(numbers.ToInt32(v.toNumber(c.Argument(0)))))
}
