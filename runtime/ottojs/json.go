package ottojs

import (
	"strings"
	"unicode/utf8"

	"github.com/robertkrimen/otto"

	"github.com/fazt-sh/fazt/runtime/internal/js"
)

// parse is JSON.parse without a reviver. otto's own loses the order of keys.
func (v *vm) parse(text string) otto.Value {
	val, err := js.ParseJSON[any](builder{v}, text)
	if err != nil {
		v.throw(err)
	}
	return v.value(val)
}

// fromJSON makes a value of the JSON that a host function returned.
func (v *vm) fromJSON(text string) otto.Value {
	val, err := js.ParseJSON[any](builder{v}, text)
	if err != nil {
		v.throw(js.InvalidJSON(err))
	}
	return v.value(val)
}

// builder is the VM as a [js.Builder]. What it makes is what otto makes
// properties and elements of: a value of otto's, or a string or a number, as
// otto would put these into a value, and allocate, once more.
type builder struct{ vm *vm }

var (
	jsonNull  any = otto.NullValue()
	jsonTrue  any = otto.TrueValue()
	jsonFalse any = otto.FalseValue()
)

func (b builder) Check()         { b.vm.check() }
func (builder) NewNull() any     { return jsonNull }
func (b builder) NewObject() any { return b.vm.newObject() }

func (builder) NewBool(yes bool) any {
	if yes {
		return jsonTrue
	}
	return jsonFalse
}

func (builder) NewNumber(f float64) any { return f }

// NewString makes U+FFFD of half a surrogate pair, as otto's strings are UTF-8.
func (builder) NewString(s string) any { return whole(s) }

func (b builder) NewArray(items []any) any { return b.vm.newArray(items) }

func (b builder) Put(obj any, key string, val any) {
	b.vm.set(obj.(otto.Value), whole(key), val)
	if b.vm.run.foreign && key != "" && key[0] == '$' {
		b.vm.markForeign(obj.(otto.Value))
	}
}

// markForeign remembers an object, see FromRequest.
func (v *vm) markForeign(obj otto.Value) {
	if v.run.fromRequest == nil {
		v.run.fromRequest = make(map[otto.Value]bool)
	}
	v.run.fromRequest[obj] = true
}

// copied is told of an object that has got the properties of another.
func (v *vm) copied(c otto.FunctionCall) otto.Value {
	if v.FromRequest(c.Argument(1)) {
		v.markForeign(c.Argument(0))
	}
	return undefined
}

// asForeign makes a value of data that others have sent.
func (v *vm) asForeign(read func() otto.Value) otto.Value {
	v.run.foreign = true
	defer func() { v.run.foreign = false }()
	return read()
}

// whole replaces each run of three bytes that stands for half a surrogate pair.
func whole(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 && s[i] == 0xED {
			size = min(3, len(s)-i)
		}
		out.WriteRune(r)
		i += size
	}
	return out.String()
}
