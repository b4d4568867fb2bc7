package fazt_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing/fstest"

	"github.com/fazt-sh/fazt"
)

// An app is a folder of files. Its handler stores what it is told in the data
// file, durably.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "fazt")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	srv, err := fazt.New(ctx, fazt.Options{DataFile: filepath.Join(dir, "data.db")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()

	_, err = srv.Deploy(ctx, "counter", fstest.MapFS{
		"api/main.js": {Data: []byte(`respond({count: fazt.storage.kv.incr('visits')})`)},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://counter.localhost/api", nil))
		fmt.Println(w.Body)
	}
	// Output:
	// {"count":1}
	// {"count":2}
}

// A Go service mounts one app beside its own routes, and lends it a function.
func ExampleServer_App() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "fazt")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	srv, err := fazt.New(ctx, fazt.Options{DataFile: filepath.Join(dir, "data.db")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	err = srv.Bind("shop.price", func(sku string) int { return 100 * len(sku) })
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = srv.Deploy(ctx, "shop", fstest.MapFS{
		"api/main.js": {Data: []byte(`respond({mug: shop.price('mug')})`)},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "the service's own") })
	mux.Handle("/shop/", http.StripPrefix("/shop", srv.App("shop")))
	for _, path := range []string{"/", "/shop/api"} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		fmt.Println(w.Body)
	}
	// Output:
	// the service's own
	// {"mug":300}
}
