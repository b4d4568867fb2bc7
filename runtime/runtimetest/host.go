package runtimetest

import (
	"context"
	"errors"
	"net/http"

	"github.com/fazt-sh/fazt/runtime"
)

// testHost is what the cases can call.
func testHost() map[string]any {
	return map[string]any{
		"fazt.version":  "1.2.3",
		"fazt.app":      map[string]any{"id": "a1", "name": "shop"},
		"shop.tax.rate": 0.19,
		// echo returns its first argument.
		"test.echo": runtime.Func(func(_ context.Context, args runtime.Args) (runtime.Value, error) {
			return args.At(0), nil
		}),
		// json returns what Go sees of its first argument.
		"test.json": runtime.Func(func(_ context.Context, args runtime.Args) (runtime.Value, error) {
			raw, err := args.JSON(0)
			return runtime.String(string(raw)), err
		}),
		"test.text": runtime.Func(func(_ context.Context, args runtime.Args) (runtime.Value, error) {
			s, err := args.String(0)
			return runtime.String(s), err
		}),
		"test.bytes": runtime.Func(func(_ context.Context, args runtime.Args) (runtime.Value, error) {
			b, err := args.Bytes(0)
			return runtime.Bytes(b), err
		}),
		"test.conflict": runtime.Func(func(context.Context, runtime.Args) (runtime.Value, error) {
			return runtime.Value{}, &runtime.HostError{Name: "ConflictError", Code: "CONFLICT", Message: "version 3, not 2"}
		}),
		"test.fail": runtime.Func(func(context.Context, runtime.Args) (runtime.Value, error) {
			return runtime.Value{}, errors.New("disk on fire")
		}),
		"test.stop": runtime.Func(func(context.Context, runtime.Args) (runtime.Value, error) {
			return runtime.Value{}, &runtime.Stop{Response: runtime.Response{Status: 401,
				Header: http.Header{"Content-Type": {"text/plain"}}, Body: []byte("sign in")}}
		}),
		"test.panic": runtime.Func(func(context.Context, runtime.Args) (runtime.Value, error) {
			panic("host bug")
		}),
	}
}

// Load compiles a program and binds it to a host of these values, see
// [runtime.NewHost].
func Load(r *runtime.Runtime, files map[string]string, values map[string]any) (*runtime.Handler, error) {
	p, err := r.Load(context.Background(), runtime.Source{Files: files})
	if err != nil {
		return nil, err
	}
	host, err := runtime.NewHost(values)
	if err != nil {
		return nil, err
	}
	return p.Bind(host), nil
}
