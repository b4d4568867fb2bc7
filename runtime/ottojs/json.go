package ottojs

import (
	"strings"
	"unicode/utf8"

	"github.com/robertkrimen/otto"

	"github.com/fazt-sh/fazt/runtime"
)

// parse is JSON.parse without a reviver. otto's own loses the order of keys.
func (v *vm) parse(text string) otto.Value {
	val, err := runtime.ParseJSON[otto.Value](builder{v}, text)
	if err != nil {
		v.throw(err)
	}
	return val
}

// builder is the VM as a [runtime.Builder].
type builder struct{ vm *vm }

func (b builder) Check()                { b.vm.check() }
func (builder) NewNull() otto.Value     { return otto.NullValue() }
func (b builder) NewObject() otto.Value { return b.vm.newObject() }

func (builder) NewBool(yes bool) otto.Value {
	if yes {
		return otto.TrueValue()
	}
	return otto.FalseValue()
}

func (b builder) NewNumber(f float64) otto.Value { return b.vm.value(f) }

// NewString makes U+FFFD of half a surrogate pair, as otto's strings are UTF-8.
func (b builder) NewString(s string) otto.Value { return b.vm.value(whole(s)) }

func (b builder) NewArray(items []otto.Value) otto.Value {
	args := make([]any, len(items))
	for i, item := range items {
		args[i] = item
	}
	return b.vm.newArray(args)
}

func (b builder) Put(obj otto.Value, key string, val otto.Value) { b.vm.set(obj, whole(key), val) }

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
