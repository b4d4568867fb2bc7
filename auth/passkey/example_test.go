package passkey_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/auth/passkey"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// A service whose people may add passkeys on the page of their sessions.
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
	a, err := auth.New(ctx, auth.Options{Store: store, Passkeys: passkey.New()})
	if err != nil {
		log.Fatal(err)
	}
	defer a.Close()

	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "https://localhost/auth/passkey/login/begin", nil))
	fmt.Println(w.Code)
	// Output: 200
}
