package sqlite_test

import (
	"database/sql/driver"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/mattn/go-sqlite3"

	"github.com/fazt-sh/fazt/storage/sqlite"
)

// TestStatementsAreSteady wants SQLite to prepare no statement again when it is
// given other values.
func TestStatementsAreSteady(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.db")
	s := open(t, path)
	defer s.Close()
	conn, err := new(sqlite3.SQLiteDriver).Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	prepared := func(query string) int64 {
		st, err := conn.Prepare(query)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		defer st.Close()
		stmt := st.(*sqlite3.SQLiteStmt)
		for i := range 3 {
			args := make([]driver.Value, stmt.NumInput())
			for n := range args {
				args[n] = int64(i * n)
			}
			rows, err := stmt.Query(args)
			if err == nil {
				err = rows.Close()
			}
			if err != nil && !strings.Contains(err.Error(), "UNIQUE") {
				t.Fatalf("%s: %v", query, err)
			}
		}
		// The driver keeps SQLITE_STMTSTATUS_REPREPARE to itself.
		return reflect.ValueOf(stmt).Elem().FieldByName("repreps").Int()
	}
	for _, query := range sqlite.Statements {
		if n := prepared(query); n != 0 {
			t.Errorf("prepared %d times more:\n%s", n, query)
		}
	}
	if n := prepared("SELECT seq, body FROM docs WHERE app = ? AND user = ? AND collection = ? AND seq > ? ORDER BY seq"); n == 0 {
		t.Error("a statement that is known to be prepared each time was not: this test can't see it")
	}
}
