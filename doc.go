// Package fazt is a personal cloud that other Go programs can import. It serves
// a folder of pages, runs the folder's api/main.js under a strict budget, keeps
// its data durably in one SQLite file, and signs its users in.
//
// A [Server] is an [net/http.Handler]. It can be a whole service:
//
//	srv, err := fazt.New(ctx, fazt.Options{DataFile: "data.db"})
//	...
//	defer srv.Close()
//	_, err = srv.Deploy(ctx, "guestbook", os.DirFS("guestbook"))
//	...
//	err = srv.ListenAndServe(ctx, "127.0.0.1:8080")
//
// or one part of another, which mounts an app beside its own routes and lends
// it Go functions:
//
//	srv.Bind("shop.price", func(ctx context.Context, sku string) (int, error) { ... })
//	mux.Handle("/shop/", http.StripPrefix("/shop", srv.App("shop")))
//	mux.Handle("/auth/", srv.Auth())
//
// # Which app answers
//
// With Options.Domain "example.com", the app "notes" answers on
// notes.example.com, and everywhere on notes.localhost. /auth/ is sign-in on
// every host. The management API answers on admin.example.com and on the bare
// loopback host. The app named root, or Options.Home, answers on example.com itself
// and on the machine's addresses. An alias leads a label elsewhere: to another app, a
// version of one, several by shares, or a URL. See docs/routing.md.
//
// # What is inside
//
// Server composes packages that know nothing of each other, each useful alone:
// frontdoor stands between the internet and the rest, runtime runs the JavaScript,
// storage keeps the data, auth knows the users, and budget decides how long a
// request may take. What a handler sees as fazt.storage.kv.get is put together
// here, from plain Go functions.
package fazt
