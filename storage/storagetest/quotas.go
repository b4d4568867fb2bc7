package storagetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

var smallQuotas = storage.Quotas{Key: 10, Value: 100, Document: 200, Blob: 300_000, Total: 400_000}

// text returns a JSON string of n bytes.
func text(n int) json.RawMessage { return json.RawMessage(`"` + strings.Repeat("x", n-2) + `"`) }

// wantQuota checks that err says what was exceeded, by how much.
func wantQuota(t *testing.T, what string, err error, path string, used, allowed int64) {
	t.Helper()
	e, ok := errors.AsType[*storage.Error](err)
	if !ok || e.Code != storage.CodeQuotaExceeded {
		t.Errorf("%s: %v", what, err)
		return
	}
	diff(t, what, []any{path, used, allowed}, []any{e.Path, e.Used, e.Allowed})
	for _, n := range []int64{used, allowed} {
		if !strings.Contains(e.Error(), fmt.Sprint(n)) {
			t.Errorf("%s: %q does not name %d", what, e, n)
		}
	}
}

func testQuotas(t *testing.T, s storage.Store) {
	try := func(fn func(storage.Tx) error) error { return s.Tx(t.Context(), scope, fn) }
	setting := func(key string, n int) error {
		return try(func(tx storage.Tx) error { return tx.KV().Set(key, text(n), 0) })
	}
	if err := setting("0123456789", 100); err != nil {
		t.Errorf("at the quotas: %v", err)
	}
	wantQuota(t, "key", setting("0123456789a", 10), "key", 11, 10)
	wantQuota(t, "value", setting("k", 101), "value", 101, 100)
	wantQuota(t, "setIf", try(func(tx storage.Tx) error {
		_, err := tx.KV().SetIf("k", text(101), 0)
		return err
	}), "value", 101, 100)
	inserting := func(n int) error {
		return try(func(tx storage.Tx) error {
			_, err := tx.Docs().Insert("c", json.RawMessage(`{"id":"d","a":`+string(text(n))+`}`))
			return err
		})
	}
	wantCode(t, "document", inserting(200), storage.CodeQuotaExceeded)
	if err := inserting(20); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "document that grows", try(func(tx storage.Tx) error {
		_, err := tx.Docs().Update("c", json.RawMessage(`{}`), json.RawMessage(`{"b":`+string(text(150))+`}`))
		return err
	}), storage.CodeQuotaExceeded)
	diff(t, "document", []string{string(text(20))}, find(t, s, "c", `{}`, "a", storage.FindOptions{}))

	if _, err := (storage.Quotas{Key: storage.MaxKey + 1, Total: -1}).WithDefaults(); err == nil ||
		!strings.Contains(err.Error(), "Key") || !strings.Contains(err.Error(), "Total") {
		t.Errorf("bad quotas: %v", err)
	}
}

func testQuotaOfBlobs(t *testing.T, s storage.Store) {
	putting := func(sc storage.Scope, path string, n int) error {
		_, err := s.PutBlob(t.Context(), sc, path, strings.NewReader(strings.Repeat("x", n)), "a/b")
		return err
	}
	own := storage.Scope{App: scope.App, User: "u"}
	const (
		beside = len("p") + len("a/b") + storage.RowBytes // what a blob counts beside its size
		one    = len("k") + len("1") + storage.RowBytes   // and what the key does
	)
	wantQuota(t, "large", putting(scope, "p", 300_001), "p", 300_001, 300_000)
	if err := putting(scope, "p", 300_000-beside); err != nil {
		t.Fatal(err)
	}
	// The user's data counts for the app, the type and the path for the blob.
	wantQuota(t, "total", putting(own, "q", 100_001-beside), "", 400_001, 400_000)
	if err := putting(own, "q", 100_000-beside); err != nil {
		t.Error(err)
	}
	if err := putting(storage.Scope{App: "other"}, "q", 100_000); err != nil {
		t.Errorf("another app: %v", err)
	}
	setOne := func() error {
		return s.Tx(t.Context(), own, func(tx storage.Tx) error { return tx.KV().Set("k", json.RawMessage(`1`), 0) })
	}
	wantQuota(t, "full", setOne(), "", 400_000+int64(one), 400_000)
	// A full app can overwrite, shrink and delete.
	if err := putting(scope, "p", 300_000-beside); err != nil {
		t.Errorf("overwrite: %v", err)
	}
	if err := putting(scope, "p", 300_000-beside-one); err != nil {
		t.Errorf("shrink: %v", err)
	}
	if err := setOne(); err != nil {
		t.Errorf("then there is room: %v", err)
	}
	for range 3 {
		if err := setOne(); err != nil {
			t.Errorf("overwrite a key: %v", err)
		}
	}
	usage, err := s.Usage(t.Context(), scope.App)
	diff(t, "usage", storage.Usage{Used: 400_000, Allowed: 400_000}, usage)
	if err != nil {
		t.Error(err)
	}
}

// recount adds up what an app stores, by what Quotas says.
func recount(t *testing.T, s storage.Store, app string) int64 {
	t.Helper()
	var sum int64
	if err := s.Read(t.Context(), func(q storage.SQL) error {
		return q.Query(`SELECT
			(SELECT coalesce(sum(64 + octet_length(key) + octet_length(value)), 0) FROM kv WHERE app = ?)
			+ (SELECT coalesce(sum(64 + octet_length(collection) + octet_length(body)), 0) FROM docs WHERE app = ?)
			+ (SELECT coalesce(sum(64 + size + octet_length(path) + octet_length(mime)), 0) FROM blobs WHERE app = ?)`,
			[]any{app, app, app}, func(scan func(...any) error) error { return scan(&sum) })
	}); err != nil {
		t.Fatal(err)
	}
	return sum
}

// wantRecount compares the count with what is counted while it stays the same: an
// engine may sweep expired keys at any time.
func wantRecount(t *testing.T, s storage.Store, app string) {
	t.Helper()
	count := func() storage.Usage {
		usage, err := s.Usage(t.Context(), app)
		if err != nil {
			t.Fatal(err)
		}
		return usage
	}
	usage := count()
	for {
		sum := recount(t, s, app)
		before := usage
		if usage = count(); usage == before {
			diff(t, "used by "+app, sum, usage.Used)
			break
		}
	}
	if usage.Used > usage.Allowed {
		t.Errorf("%s uses %d of %d", app, usage.Used, usage.Allowed)
	}
}

// testUsageIsExact does random things near the quota, some of which fail, and
// counts again after each.
func testUsageIsExact(t *testing.T, s storage.Store) {
	const seed = 7
	r := rand.New(rand.NewPCG(seed, seed))
	t.Logf("seed %d", seed)
	apps := []string{"a", "b"}
	undo := errors.New("undone")
	refused := 0
	for i := range 600 {
		sc := storage.Scope{App: apps[r.IntN(2)], User: []string{"", "u", "\u00fc"}[r.IntN(3)]}
		var err error
		if r.IntN(8) == 0 {
			path := fmt.Sprint("blob", r.IntN(3))
			if _, err = s.DeleteBlob(t.Context(), sc, path); r.IntN(3) > 0 {
				_, err = s.PutBlob(t.Context(), sc, path, strings.NewReader(strings.Repeat("b", r.IntN(9000))), "a/b")
			}
		} else {
			err = s.Tx(t.Context(), sc, func(tx storage.Tx) error {
				for range 1 + r.IntN(4) {
					if err := randomWrite(tx, r); err != nil {
						return err
					}
				}
				if r.IntN(5) == 0 {
					return undo
				}
				return nil
			})
		}
		switch code := storage.CodeOf(err); {
		case code == storage.CodeQuotaExceeded:
			refused++
		case err != nil && err != undo && code != storage.CodeConflict && code != storage.CodeInvalid:
			t.Fatalf("step %d: %v", i, err)
		}
		for _, app := range apps {
			wantRecount(t, s, app)
		}
		if t.Failed() {
			t.Fatalf("after step %d", i)
		}
	}
	if refused == 0 || refused > 300 {
		t.Errorf("%d of 600 steps were refused; the test says little", refused)
	}
}

func randomWrite(tx storage.Tx, r *rand.Rand) error {
	key := strings.Repeat("\u00e4", 1+r.IntN(5))
	all := json.RawMessage(`{}`)
	var err error
	switch r.IntN(11) {
	case 0, 1:
		err = tx.KV().Set(key, text(2+r.IntN(5000)), time.Duration(r.IntN(2))*time.Millisecond)
	case 2:
		_, err = tx.KV().Incr("n", float64(r.IntN(1e9)))
	case 3:
		_, err = tx.KV().Delete(key)
	case 4:
		_, err = tx.KV().SetIf(key, text(2+r.IntN(100)), 0)
	case 5, 6:
		_, err = tx.Docs().Insert("items", fmt.Appendf(nil, `{"n":%d,"t":%s}`, r.IntN(5), text(2+r.IntN(2000))))
	case 7:
		_, err = tx.Docs().Update("items", fmt.Appendf(nil, `{"n":%d}`, r.IntN(5)), fmt.Appendf(nil, `{"t":%s}`, text(2+r.IntN(3000))))
	case 8:
		_, err = tx.Docs().Upsert("\u00e4", fmt.Appendf(nil, `{"n":%d}`, r.IntN(5)), all)
	case 9:
		_, err = tx.Docs().Delete("items", fmt.Appendf(nil, `{"n":%d}`, r.IntN(5)))
	default:
		if _, err = tx.Docs().DeleteOldest("items", r.IntN(4)); err == nil && r.IntN(4) == 0 {
			_, err = tx.Docs().Delete("items", all)
		}
	}
	return err
}

// testQuotaUnderLoad fills an app from many callers that share commits.
func testQuotaUnderLoad(t *testing.T, s storage.Store) {
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			sc := storage.Scope{App: "a", User: fmt.Sprint(g % 3)}
			for i := range 40 {
				err := s.Tx(t.Context(), sc, func(tx storage.Tx) error {
					return tx.KV().Set(fmt.Sprintf("k-%d-%d", g, i), text(100), 0)
				})
				if err != nil && storage.CodeOf(err) != storage.CodeQuotaExceeded {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	wantRecount(t, s, "a")
	usage, err := s.Usage(t.Context(), "a")
	if err != nil || usage.Used < usage.Allowed-120 {
		t.Errorf("used %+v, %v: writes were refused that would have fitted", usage, err)
	}
}

// testBatchesShareACommit has pairs compete for seats. Each inserts its booking
// first and takes the seat by its version after: the loser's booking must be
// gone, also when both are in one commit.
func testBatchesShareACommit(t *testing.T, s storage.Store) {
	const seats, callers = 40, 4
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := map[string]string{}
	for c := range callers {
		for seat := range seats {
			wg.Go(func() {
				key := fmt.Sprintf("seat-%d", seat)
				var id string
				err := s.Tx(t.Context(), scope, func(tx storage.Tx) (err error) {
					if id, err = tx.Docs().Insert("bookings", fmt.Appendf(nil, `{"seat":%q,"by":%d}`, key, c)); err != nil {
						return err
					}
					if _, err := tx.KV().Incr("count", 1); err != nil {
						return err
					}
					_, err = tx.KV().SetIf(key, fmt.Appendf(nil, "%q", id), 0)
					return err
				})
				switch {
				case err == nil:
					mu.Lock()
					won[key] = id
					mu.Unlock()
				case storage.CodeOf(err) != storage.CodeConflict:
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	diff(t, "winners", seats, len(won))
	diff(t, "count", fmt.Sprint(seats), get(t, s, "count"))
	diff(t, "bookings", seats, len(find(t, s, "bookings", `{}`, "seat", storage.FindOptions{})))
	for key, id := range won {
		diff(t, key, fmt.Sprintf("%q", id), get(t, s, key))
		diff(t, key, []string{fmt.Sprintf("%q", id)}, find(t, s, "bookings", fmt.Sprintf(`{"seat":%q}`, key), "id", storage.FindOptions{}))
	}
}
