package jsapi

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"

	"github.com/fazt-sh/fazt/runtime"
)

var (
	contextType = reflect.TypeFor[context.Context]()
	errorType   = reflect.TypeFor[error]()
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
	return func(ctx context.Context, args runtime.Args) (runtime.Value, error) {
		// What fn does may be seen outside, so what came before it must last.
		inv := From(ctx)
		if err := inv.Settle(); err != nil {
			return runtime.Value{}, inv.failed(err)
		}
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
		out, err := call(ctx, f, in, panicked)
		if err != nil {
			return runtime.Value{}, err
		}
		if fails {
			if err, _ := out[len(out)-1].Interface().(error); err != nil {
				return runtime.Value{}, bindError(err)
			}
			out = out[:len(out)-1]
		}
		if len(out) == 0 {
			return runtime.Value{}, nil
		}
		return runtime.From(out[0].Interface())
	}, nil
}

// errPanicked is what JavaScript sees of a panic in a Go function.
var errPanicked = &runtime.HostError{Code: "INTERNAL", Message: "the function failed inside; the server's log has more under the request id"}

// call calls a Go function, whose panic is not to end more than the run that called it.
func call(ctx context.Context, f reflect.Value, in []reflect.Value, panicked func(context.Context, any, []byte)) (out []reflect.Value, err error) {
	defer func() {
		if p := recover(); p != nil {
			panicked(ctx, p, debug.Stack())
			err = errPanicked
		}
	}()
	return f.Call(in), nil
}

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
	return err
}
