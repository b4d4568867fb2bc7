package gojajs

import (
	"math"
	"strconv"

	"github.com/dop251/goja"
)

// goja makes the arrays of slice, splice and concat an element at a time, as it would a
// property, in a loop that can't be interrupted: half a second for as many elements as a
// run may have. So from longArray elements on, these are copied here.

// longArray is how many elements goja may copy in one step: some milliseconds.
const longArray = 20_000

// inSteps makes a guard of a method of arrays by a function that does it in steps, or
// returns nil if there is not much to copy.
func inSteps(copied func(v *vm, obj *goja.Object, n int, args []goja.Value) *goja.Object) guard {
	return func(v *vm, native *goja.Object) goja.Value {
		rest := code(arrayMethod(v, native).(*goja.Object))
		return v.stand(native, func(c goja.FunctionCall) goja.Value {
			if obj, ok := c.This.(*goja.Object); ok && obj.ClassName() == "Array" {
				if n := v.lengthOf(obj); n > longArray && v.isPlain(obj) {
					if out := copied(v, obj, n, c.Arguments); out != nil {
						return out
					}
				}
			}
			return rest(c)
		})
	}
}

// isPlain tells an array of no class but Array.
func (v *vm) isPlain(obj *goja.Object) bool {
	return obj.ClassName() == "Array" && obj.Get("constructor") == v.holder("Array")
}

// appendElements appends an array's elements from one on to another, nil for a hole.
func (v *vm) appendElements(to []goja.Value, obj *goja.Object, from, end int) []goja.Value {
	for i := from; i < end; i++ {
		if i%1024 == 0 {
			v.x.Check()
		}
		to = append(to, obj.Get(strconv.Itoa(i)))
	}
	return to
}

// arrayOf makes an array of elements, where nil is a hole.
func (v *vm) arrayOf(elements []goja.Value) *goja.Object {
	list := make([]any, len(elements))
	for i, e := range elements {
		if list[i] = e; e == nil {
			list[i] = goja.Undefined()
		}
	}
	out := v.newArray(list...)
	for i, e := range elements {
		if e == nil {
			v.x.Check()
			_ = out.Delete(strconv.Itoa(i))
		}
	}
	return out
}

// indexAt is the index that an argument is, counted from the end if it is negative.
func (v *vm) indexAt(args []goja.Value, i, n, missing int) int {
	if i >= len(args) || goja.IsUndefined(args[i]) {
		return missing
	}
	f := math.Trunc(v.toNumber(args[i]))
	switch {
	case math.IsNaN(f):
		return 0
	case f < 0:
		return int(math.Max(float64(n)+f, 0))
	}
	return int(math.Min(f, float64(n)))
}

func longSlice(v *vm, obj *goja.Object, n int, args []goja.Value) *goja.Object {
	from, end := v.indexAt(args, 0, n, 0), v.indexAt(args, 1, n, n)
	return v.arrayOf(v.appendElements(nil, obj, from, end))
}

// longSplice only copies what is taken out if that is much.
func longSplice(v *vm, obj *goja.Object, n int, args []goja.Value) *goja.Object {
	if len(args) == 0 {
		return nil
	}
	from, count := v.indexAt(args, 0, n, 0), n
	if len(args) > 1 {
		count = 0
		if f := v.toNumber(args[1]); f > 0 {
			count = int(math.Min(f, float64(n)))
		}
	}
	count = min(count, n-from)
	if count <= longArray {
		return nil
	}
	removed := v.arrayOf(v.appendElements(nil, obj, from, from+count))
	var rest []goja.Value
	if len(args) > 2 {
		rest = append(rest, args[2:]...)
	}
	rest = v.appendElements(rest, obj, from+count, n)
	v.setLength(obj, from)
	for i, e := range rest {
		if i%1024 == 0 {
			v.x.Check()
		}
		if e != nil {
			v.put(obj, strconv.Itoa(from+i), e)
		}
	}
	v.setLength(obj, from+len(rest))
	return removed
}

func (v *vm) setLength(obj *goja.Object, n int) {
	if err := obj.Set("length", n); err != nil {
		panic(rethrown(err))
	}
}

// longConcat is concat of what is already looked at: whatever is spread is an array.
func longConcat(v *vm, native *goja.Object) goja.Value {
	f := code(native)
	return v.stand(native, func(c goja.FunctionCall) goja.Value {
		c, total := v.countConcat(c)
		obj, ok := c.This.(*goja.Object)
		if total <= longArray || !ok || !v.isPlain(obj) {
			return f(c)
		}
		var elements []goja.Value
		for _, part := range append([]goja.Value{obj}, c.Arguments...) {
			if list, ok := part.(*goja.Object); ok && list.ClassName() == "Array" && v.spreads(list) {
				elements = v.appendElements(elements, list, 0, v.lengthOf(list))
			} else {
				elements = append(elements, part)
			}
		}
		return v.arrayOf(elements)
	})
}

func (v *vm) spreads(list *goja.Object) bool {
	s := list.GetSymbol(goja.SymIsConcatSpreadable)
	return s == nil || goja.IsUndefined(s) || s.ToBoolean()
}
