// Command embed is a Go service that carries an app inside it. The app's pages
// and JavaScript answer under /shop/, beside the service's own routes, and the
// JavaScript asks the service for prices: shop.price("mug").
package main

import (
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/fazt-sh/fazt"
)

//go:embed shop
var files embed.FS

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "listen on `HOST:PORT`")
	data := flag.String("data", "shop.db", "data `FILE`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *addr, *data); err != nil {
		log.Fatal(err)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, addr, data string) error {
	srv, err := fazt.New(ctx, fazt.Options{DataFile: data})
	if err != nil {
		return err
	}
	defer srv.Close()
	handler, err := newHandler(ctx, srv)
	if err != nil {
		return err
	}
	server := &http.Server{Addr: addr, Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() {
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		server.Shutdown(drain)
	})
	log.Printf("the shop is at http://%s/shop/", addr)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// newHandler puts the app on srv and mounts it beside the service's own routes.
func newHandler(ctx context.Context, srv *fazt.Server) (http.Handler, error) {
	shop, err := fs.Sub(files, "shop")
	if err != nil {
		return nil, err
	}
	if err := srv.Bind("shop.price", price); err != nil {
		return nil, err
	}
	if _, err := srv.Deploy(ctx, "shop", shop); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/shop/", http.StripPrefix("/shop", srv.App("shop")))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "This is the service's own page. The app is at /shop/.")
	})
	return mux, nil
}

// price returns what an article costs, in cents. It stands for whatever a
// service knows that its pages do not: a database, another service.
func price(_ context.Context, sku string) (int, error) {
	cents, ok := map[string]int{"mug": 1250, "tea": 690, "kettle": 4900}[sku]
	if !ok {
		return 0, unknownArticle(sku)
	}
	return cents, nil
}

// unknownArticle reaches JavaScript as an Error with a code, which the handler
// catches.
type unknownArticle string

func (e unknownArticle) Error() string { return fmt.Sprintf("there is no article %q", string(e)) }

// Code is the error's code in JavaScript.
func (e unknownArticle) Code() string { return "UNKNOWN_ARTICLE" }
