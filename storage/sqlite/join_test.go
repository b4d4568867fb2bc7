//go:build linux && cgo

package sqlite_test

import (
	"database/sql/driver"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mattn/go-sqlite3"

	"github.com/fazt-sh/fazt/storage/sqlite"
)

// TestJoiner holds what readers join against group_concat, which is used elsewhere.
func TestJoiner(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "data.db"))
	defer s.Close()
	if n := sqlite.Joiners(s); n != sqlite.Readers(s) {
		t.Fatalf("%d of %d readers can join", n, sqlite.Readers(s))
	}
	large := strings.Repeat("x", 3<<20)
	for of, want := range map[string]string{
		"SELECT '' AS body WHERE false":                            "",
		"SELECT '' AS body":                                        "",
		"VALUES ('a')":                                             "a",
		"VALUES (''), ('')":                                        "\x1e",
		"VALUES ('a'), (''), ('b\u00e9')":                          "a\x1e\x1eb\u00e9",
		"VALUES ('a' || char(0) || 'b'), ('c')":                    "a\x00b\x1ec",
		"SELECT replace(hex(zeroblob(1572864)), '0', 'x') AS body": large,
		"SELECT 'x' AS body FROM json_each('[' || replace(hex(zeroblob(500)), '0', '1,') || '1]')": strings.Repeat("x\x1e", 1000) + "x",
	} {
		if strings.HasPrefix(of, "VALUES") {
			of = "SELECT column1 AS body FROM (" + of + ")"
		}
		if got, err := sqlite.JoinBodies(s, of); err != nil || got != want {
			t.Errorf("%s: %.40q, %v, want %.40q", of, got, err, want)
		}
	}
	// A text that is too long is an error of the one statement, as any text is.
	_, err := sqlite.JoinBodies(s, "SELECT replace(hex(zeroblob(1572864)), '0', 'x') AS body FROM (VALUES (1), (2))")
	if se, ok := err.(sqlite3.Error); !ok || se.Code != sqlite3.ErrTooBig {
		t.Errorf("too long: %v", err)
	}
	if got, err := sqlite.JoinBodies(s, "SELECT 'a' AS body"); err != nil || got != "a" {
		t.Errorf("after a text that was too long: %q, %v", got, err)
	}
}

// TestJoinerIsOursAlone wants other connections of the process to be as they were.
func TestJoinerIsOursAlone(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "data.db"))
	defer s.Close()
	conn, err := new(sqlite3.SQLiteDriver).Open(":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = conn.(driver.QueryerContext).QueryContext(t.Context(), "SELECT join_bodies('a')", nil)
	if err == nil || !strings.Contains(err.Error(), "no such function") {
		t.Errorf("%v, want no such function", err)
	}
}
