package runtime_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/ottojs"
)

// A program with one host function answers a request.
func Example() {
	rt, err := runtime.New(runtime.Options{Engines: []runtime.Engine{ottojs.New()}})
	if err != nil {
		fmt.Println(err)
		return
	}
	prices := map[string]float64{"tea": 4.5}
	program, err := rt.Load(context.Background(), runtime.Source{Files: map[string]string{
		"api/main.js": `
			function handler(request) {
				console.log('asked for %s', request.query.item);
				return {item: request.query.item, price: shop.price(request.query.item)};
			}`,
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	host, err := runtime.NewHost(map[string]any{
		"shop.price": runtime.Func(func(_ context.Context, args runtime.Args) (runtime.Value, error) {
			item, err := args.String(0)
			if err != nil {
				return runtime.Value{}, err
			}
			return runtime.Number(prices[item]), nil
		}),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := program.Bind(host)
	defer handler.Close()

	result, err := handler.Run(context.Background(), &runtime.Request{
		Method: "GET", Path: "/api/price", Query: map[string][]string{"item": {"tea"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Response.Status, result.Response.ContentType)
	fmt.Println(string(result.Response.Body))
	fmt.Println(result.Log[0].Level, result.Log[0].Text)
	// Output:
	// 200 application/json
	// {"item":"tea","price":4.5}
	// info asked for tea
}

// The error of a failed run says where it happened in the author's source.
func ExampleError() {
	rt, err := runtime.New(runtime.Options{Engines: []runtime.Engine{ottojs.New()}})
	if err != nil {
		fmt.Println(err)
		return
	}
	program, err := rt.Load(context.Background(), runtime.Source{Files: map[string]string{
		"api/main.js":  "var cart = require('./cart');\nreturn cart.total(request.body);",
		"api/cart.js":  "exports.total = function (cart) {\n  return cart.items.length;\n};",
		"api/data.txt": "not code",
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := program.Bind(nil)
	defer handler.Close()
	_, err = handler.Run(context.Background(), &runtime.Request{Method: "POST", Path: "/api", JSON: []byte("{}")})
	var e *runtime.Error
	if errors.As(err, &e) {
		fmt.Printf("%s at %s:%d:%d\n%s\n", e.Code, e.File, e.Line, e.Column, e.SourceLine)
	}
	// Output:
	// HANDLER_ERROR at api/cart.js:2:10
	//   return cart.items.length;
}
