package sqlite_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

func Example() {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	store, err := sqlite.Open(ctx, filepath.Join(dir, "data.db"), sqlite.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	// An order and the stock it leaves change together, or not at all.
	shop := storage.Scope{App: "shop"}
	err = store.Tx(ctx, shop, func(tx storage.Tx) error {
		left, err := tx.KV().Incr("stock:tea", 10-3)
		if err != nil {
			return err
		}
		fmt.Println("left:", left)
		_, err = tx.Docs().Insert("orders", json.RawMessage(`{"id":"o1","item":"tea","amount":3}`))
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	err = store.View(ctx, shop, func(tx storage.Tx) error {
		orders, err := tx.Docs().Find("orders", json.RawMessage(`{"amount":{"$gte":2}}`), storage.FindOptions{Limit: 10})
		for _, order := range orders {
			text, _, _ := strings.Cut(string(order), `,"_createdAt"`)
			fmt.Println(text)
		}
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// left: 7
	// {"id":"o1","item":"tea","amount":3
}

func ExampleQueryFile() {
	_, err := sqlite.QueryFile(context.Background(), "/no/such/data.db", "SELECT name FROM apps", 100)
	fmt.Println(storage.CodeOf(err))
	// Output: UNAVAILABLE
}

func ExampleStore_PutBlob() {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	store, err := sqlite.Open(ctx, filepath.Join(dir, "data.db"), sqlite.Options{
		Quotas: storage.Quotas{Blob: 1 << 20},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	shop := storage.Scope{App: "shop"}
	blob, err := store.PutBlob(ctx, shop, "tea/label.txt", strings.NewReader("Darjeeling, first flush"), "text/plain")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(blob.Size, blob.Hash[:8])

	_, r, err := store.OpenBlob(ctx, shop, "tea/label.txt")
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Seek(12, io.SeekStart); err != nil {
		log.Fatal(err)
	}
	rest, err := io.ReadAll(r)
	fmt.Println(string(rest), err)

	_, err = store.PutBlob(ctx, shop, "tea/film.mp4", io.LimitReader(rand.Reader, 2<<20), "video/mp4")
	fmt.Println(storage.CodeOf(err))
	// Output:
	// 23 186f0928
	// first flush <nil>
	// QUOTA_EXCEEDED
}
