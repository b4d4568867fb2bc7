package gojajs

import (
	"slices"

	"github.com/dop251/goja"
)

// Properties of the object that instrumented code has under a name that can't be
// written.
const (
	propCheck   = "check"   // reading it is the checkpoint
	propRequest = "request" // the request
	propCalled  = "called"  // assigned: whether the main file has called its handler
	propHandler = "handler" // assigned: the handler of the main file
	propWanted  = "wanted"  // whether the handler is to be called; asked where the main file ends
	propTarget  = "target"  // assigned and read: what has the property that is assigned to
	propMember  = "member"  // the same: the property's name
	propEnd     = "end"     // assigned where the main file ends without a return: its completion value

	funcKey     = "key"     // looks at a property name that was computed
	funcMethod  = "method"  // the same of a method
	funcSum     = "sum"     // the result of +, or a template
	funcList    = "list"    // what ...x adds to a list
	funcObject  = "object"  // what ...x adds to an object
	funcBinary  = "binary"  // an operator that makes large bigints
	funcShift   = "shift"   // what a bigint is shifted right by
	funcOwner   = "owner"   // what a property is deleted of, see names.go
	funcInt32   = "int32"   // an operand, in a program with bigints
	funcDate    = "date"    // what new Date is given
	funcNow     = "now"     // Date() without new
	funcCompare = "compare" // an operator that may compare a bigint with a text

	funcGenerator = "generator" // what an asynchronous generator gives, see asyncgen.go
	funcDelegate  = "delegate"  // what it delegates to
	funcForAwait  = "forAwait"  // the loop of a for await
	funcPassed    = "passed"    // calls a host function for the visitor, see pass.go
	funcPattern   = "pattern"   // a regular expression that goja refuses, see standin.go
)

// instrument answers for these properties. It does so in Go, because a property
// is read faster than a function is called, and because each function object
// takes 0.7 KB: these are made for the programs that use them.
type instrument struct {
	vm      *vm
	funcs   values
	called  bool
	handler goja.Value
	object  goja.Value // see assign32
	member  goja.Value
}

func (o *instrument) Get(key string) goja.Value {
	v := o.vm
	switch key {
	case propCheck:
		v.checkpoint()
		return goja.Undefined()
	case propRequest:
		return v.requestObject()
	case propWanted:
		return v.js.ToValue(o.wanted())
	case propTarget:
		return o.object
	case propMember:
		return o.member
	}
	if f, ok := o.funcs.get(key); ok {
		return f
	}
	var f nativeFunc
	switch key {
	case funcKey:
		f = v.key
	case funcMethod:
		f = v.methodKey
	case funcSum:
		f = v.sum
	case funcList:
		f = v.list
	case funcObject:
		f = v.object
	case funcBinary:
		f = v.binary
	case funcShift:
		f = v.shift
	case funcOwner:
		f = v.owner
	case funcCompare:
		f = v.compare
	case funcGenerator:
		f = v.asyncGenerator
	case funcDelegate:
		f = v.delegate
	case funcForAwait:
		f = v.forAwait
	case funcPassed:
		f = v.passed
	case funcPattern:
		f = v.pattern
	case funcInt32:
		f = v.int32
	case funcDate:
		f = v.newDate
	case funcNow:
		f = v.now
	}
	return o.funcs.set(key, v.js.ToValue(f))
}

func (o *instrument) Set(key string, val goja.Value) bool {
	switch key {
	case propCalled:
		o.called = val.ToBoolean()
	case propHandler:
		o.handler = val
	case propTarget:
		o.object = val
	case propMember:
		o.member = val
	case propEnd:
		o.vm.ended, o.vm.value = true, val
	}
	return true
}

// wanted tells whether the main file's handler is to be called, which counts as
// a return.
func (o *instrument) wanted() bool {
	v := o.vm
	return isFunction(o.handler) && !o.called && v.last == nil &&
		!isFunction(v.exported(v.modules[v.script.unit.Main]))
}

func (o *instrument) Has(string) bool    { return true }
func (o *instrument) Delete(string) bool { return false }
func (o *instrument) Keys() []string     { return nil }

// values are a few named values. A list, as a map takes more room than all that
// most runs put in one.
type values []namedValue

type namedValue struct {
	name  string
	value goja.Value
}

func (l values) get(name string) (goja.Value, bool) {
	for i := range l {
		if l[i].name == name {
			return l[i].value, true
		}
	}
	return nil, false
}

// set adds a value, or replaces the one of that name, and returns it.
func (l *values) set(name string, val goja.Value) goja.Value {
	for i := range *l {
		if (*l)[i].name == name {
			(*l)[i].value = val
			return val
		}
	}
	*l = append(*l, namedValue{name, val})
	return val
}

func (l *values) remove(name string) {
	for i := range *l {
		if (*l)[i].name == name {
			*l = slices.Delete(*l, i, i+1)
			return
		}
	}
}
