package sqlite_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// scanned is a store with one collection that takes several batches to scan, whose
// documents differ in size, lie far apart in places, have escapes, or were written by
// an operator; and those documents in order of insertion.
func scanned(t *testing.T) (*sqlite.Store, []string) {
	t.Helper()
	s := open(t, filepath.Join(t.TempDir(), "data.db"))
	insert := func(collection string, from, to int, doc func(i int) string) {
		t.Helper()
		if err := s.Tx(t.Context(), benchScope, func(tx storage.Tx) error {
			for i := from; i < to; i++ {
				if _, err := tx.Docs().Insert(collection, json.RawMessage(doc(i))); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	small := func(i int) string {
		return fmt.Sprintf(`{"id":"d%d","n":%d,"name":"user-%d","m":{"n":%d},"tags":["t%d"]}`, i, i%97, i%61, i, i%13)
	}
	insert("items", 0, 500, small)
	insert("others", 0, 3000, func(i int) string { return fmt.Sprintf(`{"name":"user-%d"}`, i%61) })
	insert("items", 500, 1000, func(i int) string {
		return fmt.Sprintf(`{"id":"d%d","n":%d.0,"name":"\u0075ser-%d","text":"a\\\"b\n%d","n2":"%d"}`, i, i%97, i%61, i, i%7)
	})
	insert("items", 1000, 1003, func(i int) string {
		return fmt.Sprintf(`{"id":"d%d","name":"user-%d","text":%q}`, i, i%61, strings.Repeat("large ", 150_000))
	})
	insert("items", 1003, 1600, small)
	insert("items", 1600, 1601, func(int) string { return `{"id":"d1600","name":"user-1"}` })
	insert("items", 1601, 5000, small)
	insert("items", 5000, 5005, func(i int) string {
		return [...]string{`{"rare":"only-here"}`, `{"rare":"\u006fnly-here"}`, `{"rare":"*[only?-here]"}`, `{"rare":["only-here"]}`, `{"rare":"only-her"}`}[i-5000]
	})
	if err := s.Write(t.Context(), func(q storage.SQL) error {
		// No engine writes a separator as it is.
		_, err := q.Exec("UPDATE docs SET body = ? WHERE id = 'd1200'", "{\x1e \"id\" : \"d1200\",\n\"name\":\"user-1\", \"n\" : 3 }")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	var bodies []string
	if err := s.Read(t.Context(), func(q storage.SQL) error {
		return q.Query("SELECT body FROM docs WHERE app = ? AND collection = 'items' ORDER BY seq", []any{benchScope.App},
			func(scan func(...any) error) error {
				bodies = append(bodies, "")
				return scan(&bodies[len(bodies)-1])
			})
	}); err != nil {
		t.Fatal(err)
	}
	if len(bodies) != 5005 {
		t.Fatalf("%d documents", len(bodies))
	}
	return s, bodies
}

// TestScansAgree holds finds and counts without an index against the matcher, which is
// asked about each document by itself.
func TestScansAgree(t *testing.T) {
	s, bodies := scanned(t)
	defer s.Close()
	queries := []string{`{}`, `{"name":"user-1"}`, `{"name":"user-60"}`, `{"name":"nobody"}`, `{"n":3}`, `{"n":{"$lt":2}}`, `{"n":null}`,
		`{"m.n":700}`, `{"tags":{"$contains":"t3"}}`, `{"tags.0":"t3"}`, `{"name":{"$contains":"ser-1"}}`, `{"name":{"$prefix":"user-5"}}`,
		`{"text":{"$contains":"a\\\"b"}}`, `{"text":{"$contains":"large"}}`, `{"n2":"3"}`, `{"id":{"$gte":"d99"}}`, `{"name":{"$ne":"user-1"}}`,
		`{"$or":[{"n":1},{"name":"user-2"}]}`, `{"name":{"$in":["user-1","user-7"]}}`, `{"tags":["t3"]}`, `{"id":"x","n":3}`, `{"n2":"6"}`,
		`{"rare":"only-here"}`, `{"rare":{"$contains":"ly-he"}}`, `{"rare":{"$prefix":"*[only?"}}`, `{"text":{"$exists":true},"name":"user-24"}`}
	rapid.Check(t, func(t *rapid.T) {
		query := rapid.SampledFrom(queries).Draw(t, "query")
		opt := storage.FindOptions{
			Limit:  rapid.SampledFrom([]int{0, 1, 20, 100, 1000}).Draw(t, "limit"),
			Offset: rapid.SampledFrom([]int{0, 1, 63, 64, 65, 500}).Draw(t, "offset"),
			Sort:   rapid.SampledFrom([]string{"", "", "n", "name", "id", "missing"}).Draw(t, "sort"),
			Desc:   rapid.Bool().Draw(t, "desc"),
		}
		// Without time for any batch, documents are read one by one.
		few := rapid.IntRange(0, 15).Draw(t, "few") == 0
		if sqlite.SetBatchTime(s, time.Minute); few {
			sqlite.SetBatchTime(s, 0)
		}
		if rapid.IntRange(0, 3).Draw(t, "without joiners") == 0 {
			defer sqlite.WithoutJoiners(s)()
		}
		q, err := storage.ParseQuery(json.RawMessage(query))
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, body := range bodies {
			if q.Match(body) {
				want = append(want, body)
			}
		}
		count := len(want)
		if opt.Sort != "" {
			path := storage.ParsePath(opt.Sort)
			slices.SortStableFunc(want, func(a, b string) int {
				return storage.NewSortKey(a, path).Compare(storage.NewSortKey(b, path))
			})
		}
		if opt.Desc {
			slices.Reverse(want)
		}
		want = want[min(opt.Offset, len(want)):]
		want = want[:min(cmp.Or(opt.Limit, len(want)), len(want))]
		if err := s.View(t.Context(), benchScope, func(tx storage.Tx) error {
			n, err := tx.Docs().Count("items", json.RawMessage(query))
			if err != nil || n != count {
				t.Errorf("count of %s is %d, %v, want %d", query, n, err, count)
			}
			found, err := tx.Docs().Find("items", json.RawMessage(query), opt)
			if err != nil {
				return err
			}
			got := make([]string, len(found))
			for i := range found {
				got[i] = string(found[i])
			}
			if diff := gocmp.Diff(ids(want), ids(got)); diff != "" || !slices.Equal(want, got) {
				t.Errorf("%s %+v: -want +got\n%s", query, opt, diff)
			}
			return nil
		}); err != nil {
			t.Fatal(query, opt, err)
		}
	})
}

// TestScansCountDocuments has a scan pass over the numbers of documents that belong to
// another collection. It has not read those.
func TestScansCountDocuments(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "data.db"))
	defer s.Close()
	const count, others = 1200, 30
	if err := s.Tx(t.Context(), benchScope, func(tx storage.Tx) error {
		for i := range count * others {
			collection := "others"
			if i%others == 0 {
				collection = "items"
			}
			if _, err := tx.Docs().Insert(collection, fmt.Appendf(nil, `{"name":"user-%d"}`, i)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{`{"name":"nobody"}`, `{"name":{"$ne":"nobody"}}`} {
		if _, err := s.Find(t.Context(), benchScope, "items", json.RawMessage(query), storage.FindOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Indexes(t.Context(), benchScope.App)
	if err != nil || len(got) != 2 || got[0].Scans != 2 || got[0].Scanned != 2*count {
		t.Errorf("%+v, %v; want %d documents in 2 scans", got, err, 2*count)
	}
}

// TestFindFarBeyond has offsets that no collection has documents for.
func TestFindFarBeyond(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "data.db"))
	defer s.Close()
	insertDocs(t, s, benchScope, "items", 0, 10)
	for _, sort := range []string{"", "n"} {
		for _, limit := range []int{0, storage.MaxRows} {
			for offset, code := range map[int]storage.Code{math.MaxInt: storage.CodeInvalid, -1: storage.CodeInvalid, math.MaxInt / 4: ""} {
				found, err := s.Find(t.Context(), benchScope, "items", nil, storage.FindOptions{Offset: offset, Limit: limit, Sort: sort})
				if storage.CodeOf(err) != code || len(found) != 0 {
					t.Errorf("offset %d, limit %d, sort %q: %s, %v, want %q", offset, limit, sort, found, err, code)
				}
			}
		}
	}
}

func ids(bodies []string) []string {
	all := make([]string, len(bodies))
	for i, body := range bodies {
		all[i] = body[:min(len(body), 24)]
	}
	return all
}
