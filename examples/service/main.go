// Command service is a Go service that mounts two apps and protects a route of its own
// with the session that they have: who has signed in to one is signed in to all three.
package main

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log"
	"net/http"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/auth"
)

//go:embed apps
var apps embed.FS

func main() {
	// Dev lets anybody on this machine sign in as anyone; without it, add a provider.
	srv, err := fazt.New(context.Background(), fazt.Options{DataFile: "service.db", Dev: true})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	handler, err := newHandler(context.Background(), srv)
	if err != nil {
		log.Fatal(err)
	}
	log.Print("the service is at http://localhost:8080/shop/")
	log.Print(http.ListenAndServe("127.0.0.1:8080", handler))
}

// newHandler puts the apps on srv and mounts them, the sign-in pages and the
// service's own route.
func newHandler(ctx context.Context, srv *fazt.Server) (http.Handler, error) {
	mux := http.NewServeMux()
	for _, name := range []string{"shop", "blog"} {
		app, err := fs.Sub(apps, "apps/"+name)
		if err != nil {
			return nil, err
		}
		if _, err := srv.Deploy(ctx, name, app); err != nil {
			return nil, err
		}
		mux.Handle("/"+name+"/", http.StripPrefix("/"+name, srv.App(name)))
	}
	mux.Handle("/auth/", srv.Auth())
	mux.Handle("GET /account", srv.Auth().RequireUser(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "Hello, %s.\n", auth.UserFrom(r.Context()).Name)
	})))
	return mux, nil
}
