package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/postgres"
)

// Of several hosts, the one that takes writes is used.
func Example() {
	ctx := context.Background()
	store, err := postgres.Open(ctx, "postgres://fazt:secret@db1:5432,db2:5432/fazt?pool_max_conns=20", postgres.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	left, err := order(ctx, store)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("left:", left)
}

// An order and the stock that it leaves change together, or not at all, whichever server
// makes it.
func order(ctx context.Context, store storage.Data) (left float64, err error) {
	shop := storage.Scope{App: "shop"}
	err = store.Tx(ctx, shop, func(tx storage.Tx) (err error) {
		if left, err = tx.KV().Incr("stock:tea", 10-3); err != nil {
			return err
		}
		_, err = tx.Docs().Insert("orders", json.RawMessage(`{"id":"o1","item":"tea","amount":3}`))
		return err
	})
	return left, err
}

// TestExample runs the example's part that needs no hosts of those names.
func TestExample(t *testing.T) {
	s := open(t, database(t))
	left, err := order(t.Context(), s)
	if err != nil || left != 7 {
		t.Errorf("left: %v, %v", left, err)
	}
	if _, err := order(t.Context(), s); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("the same order again: %v", err)
	}
	e, err := s.Get(t.Context(), storage.Scope{App: "shop"}, "stock:tea")
	if diff := cmp.Diff("7", string(e.Value)); diff != "" || err != nil {
		t.Errorf("after the order that was undone: %v (-want +got)\n%s", err, diff)
	}
}
