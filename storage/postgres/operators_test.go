package postgres_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/postgres"
	"github.com/fazt-sh/fazt/storage/postgres/pgtest"
)

// TestExecCountsAll changes documents and keys by statements that don't tell whose they
// are: what the apps store is counted again all the same.
func TestExecCountsAll(t *testing.T) {
	s := open(t, database(t))
	var apps []string
	for _, name := range []string{"one", "two"} {
		d, err := s.Publish(t.Context(), storage.NewDeployment{Name: name, Manifest: []byte(`{}`), Indexes: map[string][]string{"items": {"n"}}}, 3)
		if err != nil {
			t.Fatal(err)
		}
		apps = append(apps, d.AppID)
		if err := s.Tx(t.Context(), storage.Scope{App: d.AppID}, func(tx storage.Tx) error {
			for i := range 5 {
				if _, err := tx.Docs().Insert("items", fmt.Appendf(nil, `{"id":"i%d","n":%d}`, i, i)); err != nil {
					return err
				}
			}
			return tx.KV().Set("k", json.RawMessage(`1`), 0)
		}); err != nil {
			t.Fatal(err)
		}
	}
	for _, statement := range []string{
		`UPDATE docs SET body = replace(docs.body, '"n":1', '"n":77') FROM deployments f WHERE f.app = docs.app AND f.version = 1`,
		`WITH u AS (DELETE FROM docs WHERE id = 'i2' RETURNING 1) DELETE FROM kv WHERE app = '` + apps[1] + `' AND (SELECT count(*) FROM u) >= 0`,
	} {
		if _, err := s.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	for i, app := range apps {
		if err := s.View(t.Context(), storage.Scope{App: app}, func(tx storage.Tx) error {
			found, err := tx.Docs().Find("items", json.RawMessage(`{"n":77}`), storage.FindOptions{})
			if err != nil || len(found) != 1 {
				t.Errorf("app %d: by a value that a statement has set: %s, %v", i, found, err)
			}
			n, err := tx.Docs().Count("items", json.RawMessage(`{}`))
			if err != nil || n != 4 {
				t.Errorf("app %d: %d documents are counted, %v", i, n, err)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	}
	if n, err := s.Exec(t.Context(), `UPDATE kv SET app = 'x'`); storage.CodeOf(err) != storage.CodeReadOnly {
		t.Errorf("a key of another app: %d rows, %v", n, err)
	}
	verify(t, s)
}

// TestStatementsReachNothingElse tries what everybody may call in a database.
func TestStatementsReachNothingElse(t *testing.T) {
	s := open(t, database(t))
	for _, text := range []string{
		`SELECT lo_from_bytea(0, 'x')`, `SELECT "lo_creat"(-1)`, `SELECT pg_catalog.LO_CREATE(0)`, `SELECT U&"lo\005fcreate"(0)`,
		`SELECT query_to_xml('SELECT lo_creat(-1)', true, false, '')`, `SELECT pg_logical_emit_message(false, 'x', 'y')`,
	} {
		if table, err := s.Query(t.Context(), text, 1); storage.CodeOf(err) != storage.CodeReadOnly && storage.CodeOf(err) != storage.CodeInvalid {
			t.Errorf("%s: %+v, %v", text, table, err)
		}
	}
	if table, err := s.Query(t.Context(), `SELECT 'lo_creat' AS x`, 1); err != nil || len(table.Rows) != 1 {
		t.Errorf("a text with such a name: %+v, %v", table, err)
	}
	forged := `INSERT INTO logs (id, app, at, level, text, request_id) SELECT 1, 'a', 1, 'info',
		fazt_write.record(name, 'zz', 1, 'user', 'u1', 'boss', '', '{}', NULL, false)::text, '' FROM leases LIMIT 1`
	if n, err := s.Exec(t.Context(), forged); err == nil && n > 0 {
		t.Errorf("an entry of the audit log was forged: %d rows", n)
	}
	entries, err := s.Audit(t.Context(), storage.AuditQuery{Actor: "boss"})
	if err != nil || len(entries) > 0 {
		t.Errorf("the audit log has %+v, %v", entries, err)
	}
}

// TestRolesOfACopy asks a database that was copied to where its roles are not.
func TestRolesOfACopy(t *testing.T) {
	cluster := pgtest.Shared(t)
	url := cluster.Database(t)
	s := open(t, url)
	if _, err := s.Query(t.Context(), "SELECT 1", 1); err != nil {
		t.Fatal(err)
	}
	var role string
	cluster.Query(t, pgtest.Name(url), []any{&role}, "SELECT grantee FROM information_schema.role_table_grants WHERE table_schema = 'fazt_read' AND grantee LIKE 'fazt_read%' LIMIT 1")
	cluster.Exec(t, pgtest.Name(url), "DROP OWNED BY "+role)
	cluster.Exec(t, pgtest.Name(url), "DROP ROLE "+role)
	again, err := postgres.Open(t.Context(), url, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if table, err := again.Query(t.Context(), "SELECT count(*) FROM apps", 1); err != nil || len(table.Rows) != 1 {
		t.Errorf("%+v, %v", table, err)
	}
}

// TestGuestsAreLeftAlone backs a database up in which there is a table of others.
func TestGuestsAreLeftAlone(t *testing.T) {
	cluster := pgtest.Shared(t)
	url := cluster.Database(t)
	s := open(t, url)
	cluster.Exec(t, pgtest.Name(url), "CREATE TABLE public.notes (a int, at timestamptz)")
	cluster.Exec(t, pgtest.Name(url), "GRANT ALL ON public.notes TO PUBLIC")
	cluster.Exec(t, pgtest.Name(url), "INSERT INTO public.notes VALUES (1, now())")
	file := t.TempDir() + "/backup.db"
	if err := s.Backup(t.Context(), file, nil); err != nil {
		t.Errorf("backup: %v", err)
	}
}
