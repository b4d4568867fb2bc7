package gojajs_test

import (
	"context"
	"fmt"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/gojajs"
)

func Example() {
	r, err := runtime.New(runtime.Options{Engines: []runtime.Engine{gojajs.New()}})
	if err != nil {
		panic(err)
	}
	host, err := runtime.NewHost(map[string]any{"shop.price": runtime.Func(func(context.Context, runtime.Args) (runtime.Value, error) {
		return runtime.Number(4.5), nil
	})})
	if err != nil {
		panic(err)
	}
	p, err := r.Load(context.Background(), runtime.Source{Files: map[string]string{
		"api/main.js": `const handler = async ({path}) => ({path, price: await shop.price('tea')});`,
	}})
	if err != nil {
		panic(err)
	}
	handler := p.Bind(host)
	defer handler.Close()
	res, err := handler.Run(context.Background(), &runtime.Request{Method: "GET", Path: "/api/tea"})
	if err != nil {
		panic(err)
	}
	fmt.Println(string(res.Response.Body))
	// Output: {"path":"/api/tea","price":4.5}
}
