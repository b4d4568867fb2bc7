// Command downstream is a program of somebody else's that embeds fazt: a wall of notes
// below /wall/, whose limit is the program's own. Its test is written with harnesstest.
package main

import (
	"context"
	"embed"
	"io/fs"
	"log"
	"net/http"

	"github.com/fazt-sh/fazt"
)

//go:embed wall
var apps embed.FS

func main() {
	srv, err := fazt.New(context.Background(), fazt.Options{DataFile: "wall.db", Dev: true})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	handler, err := newHandler(context.Background(), srv)
	if err != nil {
		log.Fatal(err)
	}
	log.Print("the wall is at http://localhost:8080/wall/")
	log.Print(http.ListenAndServe("127.0.0.1:8080", handler))
}

// newHandler deploys the wall and mounts it beside the sign-in pages.
func newHandler(ctx context.Context, srv *fazt.Server) (http.Handler, error) {
	if err := srv.Bind("wall.hasRoom", func(notes int) bool { return notes < 2 }); err != nil {
		return nil, err
	}
	wall, err := fs.Sub(apps, "wall")
	if err != nil {
		return nil, err
	}
	if _, err := srv.Deploy(ctx, "wall", wall); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/wall/", http.StripPrefix("/wall", srv.App("wall")))
	mux.Handle("/auth/", srv.Auth())
	return mux, nil
}
