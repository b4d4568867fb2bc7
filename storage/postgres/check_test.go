package postgres_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/storage"
)

// verify compares what the store counts and indexes with the documents.
func verify(tb testing.TB, s storage.Store) {
	tb.Helper()
	if err := s.Read(tb.Context(), func(q storage.SQL) error {
		verifyIndexes(tb, q)
		verifyCounts(tb, q)
		return nil
	}); err != nil {
		tb.Fatal(err)
	}
}

// lines returns the rows of a query of which what makes a text, and how often each is
// there.
func lines(tb testing.TB, q storage.SQL, query string, line func(scan func(...any) error) (string, error)) map[string]int {
	tb.Helper()
	found := map[string]int{}
	if err := q.Query(query, nil, func(scan func(...any) error) error {
		text, err := line(scan)
		found[text]++
		return err
	}); err != nil {
		tb.Fatal(err)
	}
	return found
}

func verifyIndexes(tb testing.TB, q storage.SQL) {
	tb.Helper()
	want := lines(tb, q, `SELECT x.id, x.field, d."user", c.generation, d.seq, d.body FROM indexes x
		JOIN collections c ON c.app = x.app AND c.name = x.collection
		JOIN documents d ON d.app = c.app AND d."user" = c."user" AND d.collection = c.generation WHERE x.state = 'ready'`,
		func(scan func(...any) error) (string, error) {
			var id, seq, generation int64
			var field, user, body string
			err := scan(&id, &field, &user, &generation, &seq, &body)
			return fmt.Sprintf("%d %q %d %x %d", id, user, generation, storage.IndexKey(body, storage.ParsePath(field)), seq), err
		})
	got := lines(tb, q, `SELECT e.index_id, e."user", e.generation, e.value, e.seq FROM index_entries e JOIN indexes x ON x.id = e.index_id
		WHERE x.state = 'ready' AND e.generation NOT IN (SELECT generation FROM cleared)`,
		func(scan func(...any) error) (string, error) {
			var id, seq, generation int64
			var user string
			var value []byte
			err := scan(&id, &user, &generation, &value, &seq)
			return fmt.Sprintf("%d %q %d %x %d", id, user, generation, value, seq), err
		})
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("entries of the indexes (-documents +index):\n%.2000s", diff)
	}
}

func verifyCounts(tb testing.TB, q storage.SQL) {
	tb.Helper()
	count := func(scan func(...any) error) (string, error) {
		var app, user, name string
		var count, bytes int64
		err := scan(&app, &user, &name, &count, &bytes)
		return fmt.Sprintf("%s %q %q: %d documents of %d bytes", app, user, name, count, bytes), err
	}
	want := lines(tb, q, `SELECT app, "user", collection, count(*), sum(octet_length(collection) + octet_length(body)) FROM docs GROUP BY app, "user", collection`, count)
	got := lines(tb, q, `SELECT app, "user", name, count, bytes FROM collections WHERE count <> 0`, count)
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("collections (-documents +counted):\n%s", diff)
	}
	usage := func(scan func(...any) error) (string, error) {
		var app string
		var bytes int64
		err := scan(&app, &bytes)
		return fmt.Sprintf("%s: %d bytes", app, bytes), err
	}
	want = lines(tb, q, `SELECT app, sum(bytes) FROM (
		SELECT app, 64 + octet_length(key) + octet_length(value) AS bytes FROM kv
		UNION ALL SELECT app, 64 + octet_length(collection) + octet_length(body) FROM docs
		UNION ALL SELECT app, 64 + size + octet_length(path) + octet_length(mime) FROM blobs) AS stored
		WHERE app NOT IN (SELECT id FROM removed_apps WHERE keep_data = 0) GROUP BY app`, usage)
	got = lines(tb, q, `SELECT app, bytes FROM usage WHERE bytes <> 0 AND app NOT IN (SELECT id FROM removed_apps WHERE keep_data = 0)`, usage)
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("what apps use (-stored +counted):\n%s", diff)
	}
}
