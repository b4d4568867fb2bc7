package jsapi

import (
	"context"

	"github.com/fazt-sh/fazt/runtime"
)

// Env is an app's variables, as the owner has set them.
type Env struct {
	Values map[string]string
	Err    error // why they can't be read
}

var envFunctions = []Function{
	{Name: "get", Params: []Param{required("name", typeString), optional("otherwise", typeAny)}, Result: typeAny, make: binder.envGet},
	{Name: "has", Params: []Param{required("name", typeString)}, Result: typeBoolean, make: binder.envHas},
}

func (binder) envGet() any {
	return runtime.Brief(func(ctx context.Context, args runtime.Args) (runtime.Value, error) {
		value, ok, err := variable(ctx, args)
		switch {
		case err != nil:
			return runtime.Value{}, err
		case args.Len() > 1 && args.At(1).Kind() != runtime.KindUndefined:
			// It is read whether it is used or not, so that a mistake shows.
			otherwise, err := args.JSON(1)
			if err != nil || !ok {
				return runtime.JSON(otherwise), err
			}
		case !ok:
			return runtime.Undefined(), nil
		}
		return runtime.String(value), nil
	})
}

func (binder) envHas() any {
	return runtime.Brief(func(ctx context.Context, args runtime.Args) (runtime.Value, error) {
		_, ok, err := variable(ctx, args)
		return runtime.Bool(ok), err
	})
}

// variable finds the variable that the first argument names.
func variable(ctx context.Context, args runtime.Args) (value string, ok bool, err error) {
	name, err := args.String(0)
	if err != nil {
		return "", false, err
	}
	env := From(ctx).App.Env()
	if env.Err != nil {
		return "", false, &runtime.HostError{Code: "UNAVAILABLE", Message: env.Err.Error()}
	}
	value, ok = env.Values[name]
	return value, ok, nil
}
