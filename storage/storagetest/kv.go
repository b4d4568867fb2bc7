package storagetest

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

func testKV(t *testing.T, s storage.Store) {
	values := map[string]string{
		"plain":                             `{"b":1,"a":[true,null,"x"]}`,
		"spaces":                            ` [ 1 , 2 ] `,
		"digits":                            `12345678901234567890.10`,
		"\u00fcml\u00e4ut %_'\"\\[]/.$*":    `"\u00e9\ud800"`,
		strings.Repeat("k", storage.MaxKey): `1`,
		"large":                             `"` + strings.Repeat("v", storage.MaxValue-2) + `"`,
	}
	for key, value := range values {
		set(t, s, key, value)
	}
	for key, value := range values {
		diff(t, key, value, get(t, s, key))
	}
	set(t, s, "plain", `2`)
	diff(t, "overwritten", "2", get(t, s, "plain"))

	tx(t, s, func(tx storage.Tx) error {
		for i, want := range []bool{true, false} {
			there, err := tx.KV().Delete("plain")
			if err != nil || there != want {
				t.Errorf("delete %d: %t, %v", i+1, there, err)
			}
		}
		return nil
	})
	diff(t, "deleted", "", get(t, s, "plain"))
}

func testKVErrors(t *testing.T, s storage.Store) {
	tests := []struct {
		name, key, value string
		ttl              time.Duration
		code             storage.Code
	}{
		{"empty key", "", `1`, 0, storage.CodeInvalid},
		{"long key", strings.Repeat("k", storage.MaxKey+1), `1`, 0, storage.CodeQuotaExceeded},
		{"NUL in the key", "a\x00b", `1`, 0, storage.CodeInvalid},
		{"key is not UTF-8", "a\xff", `1`, 0, storage.CodeInvalid},
		{"no value", "k", ``, 0, storage.CodeInvalid},
		{"broken value", "k", `{`, 0, storage.CodeInvalid},
		{"value is not UTF-8", "k", "\"\xff\"", 0, storage.CodeInvalid},
		{"deep value", "k", strings.Repeat("[", 101) + strings.Repeat("]", 101), 0, storage.CodeInvalid},
		{"large value", "k", `"` + strings.Repeat("v", storage.MaxValue) + `"`, 0, storage.CodeQuotaExceeded},
		{"negative ttl", "k", `1`, -1, storage.CodeInvalid},
	}
	for _, tt := range tests {
		err := s.Tx(t.Context(), scope, func(tx storage.Tx) error {
			return tx.KV().Set(tt.key, json.RawMessage(tt.value), tt.ttl)
		})
		wantCode(t, tt.name, err, tt.code)
	}
	view(t, s, func(tx storage.Tx) error {
		entries, err := tx.KV().List("", storage.Page{})
		if len(entries) != 0 {
			t.Errorf("%d keys were written", len(entries))
		}
		_, getErr := tx.KV().Get("none")
		wantCode(t, "get", getErr, storage.CodeNotFound)
		_, limitErr := tx.KV().List("", storage.Page{Limit: storage.MaxRows + 1})
		wantCode(t, "limit", limitErr, storage.CodeInvalid)
		_, negativeErr := tx.KV().List("", storage.Page{Limit: -1})
		wantCode(t, "negative limit", negativeErr, storage.CodeInvalid)
		return err
	})
	for _, bad := range []storage.Scope{{}, {App: "a\x00"}, {App: "a", User: "\xff"}} {
		err := s.View(t.Context(), bad, func(storage.Tx) error { return nil })
		wantCode(t, fmt.Sprintf("scope %+v", bad), err, storage.CodeInvalid)
	}
}

// testKVExpiry waits for a deadline to pass, and takes no longer time for a
// fault, so it does not matter how fast the machine is.
func testKVExpiry(t *testing.T, s storage.Store) {
	before := time.Now()
	tx(t, s, func(tx storage.Tx) error {
		if err := tx.KV().Set("short", json.RawMessage(`1`), 1500*time.Microsecond); err != nil {
			return err
		}
		if err := tx.KV().Set("long", json.RawMessage(`1`), time.Hour); err != nil {
			return err
		}
		return tx.KV().Set("ever", json.RawMessage(`1`), 0)
	})
	var long storage.Entry
	view(t, s, func(tx storage.Tx) (err error) {
		if long, err = tx.KV().Get("long"); err != nil {
			return err
		}
		ever, err := tx.KV().Get("ever")
		if !ever.ExpiresAt.IsZero() {
			t.Errorf("a key without a ttl expires at %v", ever.ExpiresAt)
		}
		return err
	})
	if low := before.Add(time.Hour - time.Millisecond); long.ExpiresAt.Before(low) {
		t.Errorf("expires at %v, want %v or later", long.ExpiresAt, low)
	}
	// It was written before now, and lives for two milliseconds of the clock.
	<-time.After(3 * time.Millisecond)
	diff(t, "expired", "", get(t, s, "short"))
	view(t, s, func(tx storage.Tx) error {
		entries, err := tx.KV().List("", storage.Page{})
		diff(t, "listed", []string{"ever", "long"}, keys(entries))
		return err
	})
	tx(t, s, func(tx storage.Tx) error {
		there, err := tx.KV().Delete("short")
		if there {
			t.Error("an expired key was there to delete")
		}
		if err != nil {
			return err
		}
		if _, err := tx.KV().SetIf("short", json.RawMessage(`2`), 0); err != nil {
			t.Errorf("an expired key is not absent: %v", err)
		}
		// An update that has no ttl of its own keeps the one there is.
		if _, err := tx.KV().Incr("long", 1); err != nil {
			return err
		}
		e, err := tx.KV().Get("long")
		diff(t, "kept by incr", long.ExpiresAt, e.ExpiresAt)
		if err != nil {
			return err
		}
		if _, err := tx.KV().SetIf("long", json.RawMessage(`3`), e.Version); err != nil {
			return err
		}
		e, err = tx.KV().Get("long")
		diff(t, "kept by setIf", long.ExpiresAt, e.ExpiresAt)
		return err
	})
}

func keys(entries []storage.Entry) []string {
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Key)
	}
	return names
}

func testKVVersions(t *testing.T, s storage.Store) {
	seen := map[int64]bool{}
	version := func(kv storage.KV) int64 {
		e, err := kv.Get("k")
		if err != nil {
			t.Fatal(err)
		}
		if e.Version == 0 || seen[e.Version] {
			t.Errorf("version %d is 0 or was used before", e.Version)
		}
		seen[e.Version] = true
		return e.Version
	}
	for range 3 {
		tx(t, s, func(tx storage.Tx) error {
			kv := tx.KV()
			if err := kv.Set("k", json.RawMessage(`1`), 0); err != nil {
				return err
			}
			version(kv)
			if _, err := kv.Incr("k", 1); err != nil {
				return err
			}
			old := version(kv)
			next, err := kv.SetIf("k", json.RawMessage(`3`), old)
			if err != nil {
				return err
			}
			diff(t, "returned version", next, version(kv))
			_, err = kv.SetIf("k", json.RawMessage(`4`), old)
			wantCode(t, "stale", err, storage.CodeConflict)
			_, err = kv.SetIf("k", json.RawMessage(`4`), 0)
			wantCode(t, "absent", err, storage.CodeConflict)
			_, err = kv.SetIf("none", json.RawMessage(`4`), next)
			wantCode(t, "missing", err, storage.CodeConflict)
			_, err = kv.Delete("k")
			return err
		})
	}
	tx(t, s, func(tx storage.Tx) error {
		_, err := tx.KV().SetIf("k", json.RawMessage(`5`), 0)
		version(tx.KV())
		return err
	})
	// Another transaction, which fails, must not make a version come twice.
	s.Tx(t.Context(), scope, func(tx storage.Tx) error {
		tx.KV().Set("k", json.RawMessage(`6`), 0)
		return fmt.Errorf("undone")
	})
	set(t, s, "k", `7`)
	view(t, s, func(tx storage.Tx) error { version(tx.KV()); return nil })
}

func testKVIncr(t *testing.T, s storage.Store) {
	set(t, s, "text", `"5"`)
	set(t, s, "list", `[5]`)
	set(t, s, "null", `null`)
	set(t, s, "max", `1.7e308`)
	tx(t, s, func(tx storage.Tx) error {
		for _, tt := range []struct{ by, want float64 }{{1, 1}, {-3, -2}, {0.5, -1.5}, {1.5, 0}, {1<<53 - 1, 1<<53 - 1}} {
			got, err := tx.KV().Incr("n", tt.by)
			if err != nil || got != tt.want {
				t.Errorf("incr by %v: %v, %v; want %v", tt.by, got, err, tt.want)
			}
		}
		for _, key := range []string{"text", "list", "null"} {
			_, err := tx.KV().Incr(key, 1)
			wantCode(t, key, err, storage.CodeInvalid)
		}
		for key, by := range map[string]float64{"max": 1.7e308, "n": 1, "fresh": -1 << 53, "nan": math.NaN()} {
			_, err := tx.KV().Incr(key, by)
			wantCode(t, fmt.Sprintf("%s by %v", key, by), err, storage.CodeInvalid)
		}
		return nil
	})
	diff(t, "stored", `9007199254740991`, get(t, s, "n"))
	diff(t, "left alone", `"5"`, get(t, s, "text"))
}

func testKVList(t *testing.T, s storage.Store) {
	all := []string{"A", "a", "a%", "a%b", "a_", "a_b", "ab", "abc", "a\u00e9", "a\U0010ffff", "b", "\u00e9", "\U0010ffff"}
	for _, key := range all {
		set(t, s, key, `1`)
	}
	tests := []struct {
		prefix string
		page   storage.Page
		want   []string
	}{
		{"", storage.Page{}, all},
		{"a", storage.Page{}, all[1:10]},
		{"A", storage.Page{}, all[:1]},
		{"a%", storage.Page{}, []string{"a%", "a%b"}},
		{"a_", storage.Page{}, []string{"a_", "a_b"}},
		{"\U0010ffff", storage.Page{}, []string{"\U0010ffff"}},
		{"zzz", storage.Page{}, []string{}},
		{"a", storage.Page{Limit: 2}, []string{"a", "a%"}},
		{"a", storage.Page{Limit: 2, After: "a%"}, []string{"a%b", "a_"}},
		{"a", storage.Page{After: "ab"}, []string{"abc", "a\u00e9", "a\U0010ffff"}},
		{"a", storage.Page{After: "A"}, all[1:10]},
		{"a", storage.Page{After: "b"}, []string{}},
		{"", storage.Page{After: "\u00e9"}, []string{"\U0010ffff"}},
	}
	for _, tt := range tests {
		view(t, s, func(tx storage.Tx) error {
			entries, err := tx.KV().List(tt.prefix, tt.page)
			diff(t, fmt.Sprintf("%q %+v", tt.prefix, tt.page), tt.want, keys(entries))
			return err
		})
	}
}

func testKVListLimits(t *testing.T, s storage.Store) {
	tx(t, s, func(tx storage.Tx) error {
		for i := range storage.MaxRows {
			if err := tx.KV().Set(fmt.Sprintf("k%05d", i), json.RawMessage(`1`), 0); err != nil {
				return err
			}
		}
		return nil
	})
	list := func(page storage.Page) (n int, err error) {
		err = s.View(t.Context(), scope, func(tx storage.Tx) error {
			entries, err := tx.KV().List("k", page)
			n = len(entries)
			return err
		})
		return n, err
	}
	if n, err := list(storage.Page{}); err != nil || n != storage.MaxRows {
		t.Errorf("as many as allowed: %d, %v", n, err)
	}
	set(t, s, "k-one-more", `1`)
	_, err := list(storage.Page{})
	wantCode(t, "one more", err, storage.CodeResultTooLarge)
	if n, err := list(storage.Page{Limit: storage.MaxRows}); err != nil || n != storage.MaxRows {
		t.Errorf("with a limit: %d, %v", n, err)
	}
}

// testCountersAreLinear increments counters from many goroutines: each sum is
// returned to exactly one of them, and none is lost.
func testCountersAreLinear(t *testing.T, s storage.Store) {
	const goroutines, each = 16, 50
	var mu sync.Mutex
	sums := map[float64]int{}
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for range each {
				var sum float64
				if err := s.Tx(t.Context(), scope, func(tx storage.Tx) (err error) {
					sum, err = tx.KV().Incr("n", 1)
					return err
				}); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				sums[sum]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for i := 1; i <= goroutines*each; i++ {
		if sums[float64(i)] != 1 {
			t.Errorf("the sum %d was returned %d times", i, sums[float64(i)])
		}
	}
	diff(t, "stored", fmt.Sprint(goroutines*each), get(t, s, "n"))
}
