package auth_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// A service of one host, with pages for people who have signed in.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	store, err := sqlite.Open(ctx, filepath.Join(dir, "data.db"), sqlite.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	a, err := auth.New(ctx, auth.Options{Store: store})
	if err != nil {
		log.Fatal(err)
	}
	defer a.Close()

	mux := http.NewServeMux()
	mux.Handle("/auth/", a)
	mux.Handle("/report", a.RequireRole(auth.RoleAdmin, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "Hello, %s.", auth.UserFrom(r.Context()).Name)
	})))

	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/report?month=5", nil)
	r.Header.Set("Accept", "text/html")
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Header().Get("Location"))
	// Output: 303 /auth/login?back=%2Freport%3Fmonth%3D5
}

// A service that finds out by itself who its visitor is, here from a directory of its
// own, gives them a session.
func ExampleAuth_SignIn() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	store, err := sqlite.Open(ctx, filepath.Join(dir, "data.db"), sqlite.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	a, err := auth.New(ctx, auth.Options{Store: store})
	if err != nil {
		log.Fatal(err)
	}
	defer a.Close()

	w := httptest.NewRecorder()
	user, err := a.SignIn(w, httptest.NewRequest("POST", "https://service.example/in", nil), auth.Identity{
		Issuer: "https://people.example.com", Subject: "employee-7",
		Email: "ann@example.com", EmailVerified: true, Name: "Ann", Role: auth.RoleAdmin,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(user.Name, user.Role, w.Result().Cookies()[0].HttpOnly)
	// Output: Ann admin true
}

// A key for a program, and the check of what it sends.
func ExampleAuth_CheckKey() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	store, err := sqlite.Open(ctx, filepath.Join(dir, "data.db"), sqlite.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	a, err := auth.New(ctx, auth.Options{Store: store})
	if err != nil {
		log.Fatal(err)
	}
	defer a.Close()

	token, _, err := a.CreateKey(ctx, "build server", []string{api.ScopeDeploy}, time.Now().AddDate(1, 0, 0))
	if err != nil {
		log.Fatal(err)
	}
	key, err := a.CheckKey(ctx, token)
	fmt.Println(key.Name, key.Has(api.ScopeDeploy), key.Has(api.ScopeSQL), err)
	_, err = a.CheckKey(ctx, token+"x")
	fmt.Println(err)
	// Output:
	// build server true false <nil>
	// key.check: the API key is not valid; make one with: fazt auth key create
}

// A service whose visitors sign in at the company's issuer: the provider is asked
// when somebody comes, so one that is down keeps no program from starting.
func ExampleNewProvider() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	store, err := sqlite.Open(ctx, filepath.Join(dir, "data.db"), sqlite.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	company, err := auth.NewProvider("company", api.ProviderConfig{
		Issuer: "https://id.example.com", ClientID: "intranet", ClientSecret: os.Getenv("CLIENT_SECRET"),
	})
	if err != nil {
		log.Fatal(err)
	}
	a, err := auth.New(ctx, auth.Options{Store: store, Providers: []auth.Provider{company}})
	if err != nil {
		log.Fatal(err)
	}
	defer a.Close()

	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest("GET", "/auth/login", nil))
	fmt.Println(w.Code, w.Header().Get("Location"))
	// Output: 303 /auth/login/company
}
