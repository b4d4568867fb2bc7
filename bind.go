package fazt

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/fazt-sh/fazt/runtime"
)

// Bind lets the handlers of every app call a Go function by a dotted name:
//
//	srv.Bind("shop.price", func(ctx context.Context, sku string) (int, error) { ... })
//
// makes shop.price("mug") work in JavaScript. fn takes an optional context
// first, which ends with the request; its other parameters are read from the
// call's arguments, and its result is given back, by the rules of encoding/json.
// A missing argument is the zero value. The last result may be an error; it is
// thrown as a JavaScript Error with the error's text as message, and, when the
// error has a method Code() string, with that code.
//
// The first part of the name must not be a global that handlers have already,
// such as fazt or console. Bind may be called at any time; requests that are
// under way do not see it.
func (s *Server) Bind(name string, fn any) error {
	if !bindName.MatchString(name) {
		return fmt.Errorf("fazt: bind %q: use a dotted name such as \"shop.price\"", name)
	}
	if first, _, _ := strings.Cut(name, "."); slices.Contains(ownGlobals, first) {
		return fmt.Errorf("fazt: bind %q: %s is there already; choose another first part", name, first)
	}
	bound, err := bindFunc(fn)
	if err != nil {
		return fmt.Errorf("fazt: bind %s: %w", name, err)
	}
	s.reloadMu.Lock()
	defer s.reloadMu.Unlock()
	for other := range s.bindings {
		if other == name || strings.HasPrefix(other, name+".") || strings.HasPrefix(name, other+".") {
			return fmt.Errorf("fazt: bind %s: %s is bound already", name, other)
		}
	}
	s.bindings[name] = bound
	// Programs hold their functions from the moment they are loaded.
	if err := s.reloadAll(context.Background()); err != nil {
		delete(s.bindings, name)
		return fmt.Errorf("fazt: bind %s: %w", name, err)
	}
	return nil
}

// ownGlobals are the globals that fazt itself gives to handlers.
var ownGlobals = []string{"fazt", "console", "request", "respond", "require", "module", "exports", "handler"}

var bindName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+$`)

var (
	contextType = reflect.TypeFor[context.Context]()
	errorType   = reflect.TypeFor[error]()
)

// bindFunc turns a Go function into a host function.
func bindFunc(fn any) (runtime.Func, error) {
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
		c := callFrom(ctx)
		if err := c.settle(); err != nil {
			return runtime.Value{}, c.failedOperation(err)
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
		return runtime.From(out[0].Interface())
	}, nil
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
