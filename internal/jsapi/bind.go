package jsapi

import (
	"context"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"

	"github.com/fazt-sh/fazt/runtime"
)

var (
	contextType = reflect.TypeFor[context.Context]()
	errorType   = reflect.TypeFor[error]()

	marshalerType     = reflect.TypeFor[json.Marshaler]()
	textMarshalerType = reflect.TypeFor[encoding.TextMarshaler]()
)

// Bind turns a Go function into a host function; the error says why it can be
// none. See the method Bind of the server for the rules. panicked is told of a panic
// in it, with the stack; JavaScript gets an error that says no more than that.
func Bind(fn any, panicked func(ctx context.Context, value any, stack []byte)) (runtime.Func, error) {
	f := reflect.ValueOf(fn)
	if f.Kind() != reflect.Func || f.IsNil() {
		return nil, fmt.Errorf("%T is not a function", fn)
	}
	t := f.Type()
	first := 0
	if t.NumIn() > 0 && t.In(0) == contextType {
		first = 1
	}
	fails := t.NumOut() > 0 && t.Out(t.NumOut()-1) == errorType
	if results := t.NumOut(); t.IsVariadic() || results > 2 || results == 2 && !fails {
		return nil, fmt.Errorf("%v: use func([context.Context,] arguments...) ([result,] [error]), not variadic", t)
	}
	for i := first; i < t.NumIn(); i++ {
		if p := t.In(i); !crosses(p) || p.Kind() == reflect.Interface && p.NumMethod() > 0 {
			return nil, fmt.Errorf("%v: a %v can't be read from JSON; take a context first, and what JavaScript doesn't give by a closure", t, p)
		}
	}
	if t.NumOut() > 0 && !(fails && t.NumOut() == 1) && !crosses(t.Out(0)) {
		return nil, fmt.Errorf("%v: a %v can't be written as JSON; return what encoding/json can marshal", t, t.Out(0))
	}
	return func(ctx context.Context, args runtime.Args) (value runtime.Value, err error) {
		// What fn does may be seen outside, so what came before it must last.
		inv := From(ctx)
		if err := inv.Settle(); err != nil {
			return runtime.Value{}, inv.failed(err)
		}
		// Methods of its types, which read JSON, write it or say what an error is, are as
		// much the program's as fn. A panic is not to end more than the run that called it.
		defer func() {
			if p := recover(); p != nil {
				panicked(ctx, p, debug.Stack())
				value, err = runtime.Value{}, errPanicked
			}
		}()
		in := make([]reflect.Value, t.NumIn())
		if first == 1 {
			in[0] = reflect.ValueOf(ctx)
		}
		for i := first; i < len(in); i++ {
			arg := reflect.New(t.In(i))
			if err := decodeArg(args, i-first, arg.Interface()); err != nil {
				return runtime.Value{}, err
			}
			in[i] = arg.Elem()
		}
		out := f.Call(in)
		if fails {
			if err, _ := out[len(out)-1].Interface().(error); err != nil {
				return runtime.Value{}, bindError(err)
			}
			out = out[:len(out)-1]
		}
		if len(out) == 0 {
			return runtime.Value{}, nil
		}
		value, err = runtime.From(out[0].Interface())
		if err != nil {
			return runtime.Value{}, err
		}
		return value, runtime.Hold(ctx, int64(len(value.Text())+len(value.Raw())))
	}, nil
}

// crosses reports whether JSON can have a value of a type, as far as its own kind
// tells: what is inside of it shows when there is a value.
func crosses(t reflect.Type) bool {
	if t.Implements(marshalerType) || t.Implements(textMarshalerType) {
		return true
	}
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer:
		return false
	}
	return true
}

// errPanicked is what JavaScript sees of a panic in a Go function.
var errPanicked = &runtime.HostError{Code: "INTERNAL", Message: "the function failed inside; the server's log has more under the request id"}

// decodeArg stores one argument of a call in what target points to.
func decodeArg(args runtime.Args, i int, target any) error {
	switch v := args.At(i); v.Kind() {
	case runtime.KindUndefined, runtime.KindNull:
		return nil
	case runtime.KindBytes:
		b, ok := target.(*[]byte)
		if !ok {
			return runtime.Invalid("argument %d must not be bytes", i+1)
		}
		*b = v.Raw()
		return nil
	default:
		return args.Unmarshal(i, target)
	}
}

// bindError gives a Go error that has a code to JavaScript with that code.
func bindError(err error) error {
	if coded, ok := errors.AsType[interface {
		error
		Code() string
	}](err); ok {
		return &runtime.HostError{Code: coded.Code(), Message: err.Error(), Err: err}
	}
	_ = err.Error() // that of a nil pointer may panic, which is to happen here
	return err
}
