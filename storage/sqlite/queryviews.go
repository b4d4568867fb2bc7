package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/mattn/go-sqlite3"

	"github.com/fazt-sh/fazt/storage"
)

const (
	// maxCell is the longest text or blob that a query may make or return: a
	// document or a value of [storage.MaxDocument] with room to spare.
	maxCell = 2 << 20
	// maxColumns is how many columns a query returns at most. All of a row's cells
	// are in memory at once.
	maxColumns = 100
	// maxPattern is the longest pattern of LIKE and GLOB, which can't be
	// interrupted and take as long as the pattern times the text.
	maxPattern = 1000
	// opRecursive is SQLITE_RECURSIVE, which the driver does not name.
	opRecursive = 33
)

// views is a connection for a query of an operator's, that the database itself
// keeps from writing and from what is secret.
//
// The data file is attached, for reading alone, under a name that was made for this
// connection and that no query can know, so a query can't name the tables in it. What
// it can name are temporary views of them, which have NULL in place of the secret
// columns; so those are NULL in every clause. To refuse the columns when they are
// read would not do: SQLite tells nobody which columns a JOIN ... USING compares.
//
// The main database is in memory, and has only the views' names and columns, so that
// sqlite_schema tells them.
type views struct {
	conn  *conn
	file  string          // the name under which the data file is attached
	names map[string]bool // of the views, in lower case
}

func openViews(path string) (*views, error) {
	const op = "query"
	// It says what is wrong with a file that can't be attached.
	probe, err := openExisting(op, path)
	if err != nil {
		return nil, err
	}
	probe.close()
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, unusable(path, err)
	}
	raw, err := new(sqlite3.SQLiteDriver).Open("file::memory:?" + url.Values{
		"_busy_timeout": {strconv.FormatInt(busyTimeout.Milliseconds(), 10)},
		"_mutex":        {"no"},
	}.Encode())
	if err != nil {
		return nil, wrap(op, err)
	}
	v := &views{conn: &conn{raw: raw.(*sqlite3.SQLiteConn)}, file: "f" + strings.ToLower(rand.Text()), names: make(map[string]bool)}
	if err := v.open(abs); err != nil {
		v.conn.close()
		return nil, wrap(op, err)
	}
	return v, nil
}

func (v *views) open(abs string) error {
	if _, err := v.conn.exec("ATTACH ? AS "+v.file, fileURI(abs)+"?mode=ro"); err != nil {
		return err
	}
	definitions, err := v.define()
	if err != nil {
		return err
	}
	// Sorts and the like have their temporary tables in memory, where they are
	// bounded, and not in files, where they could not be. To say so drops the views
	// that are there.
	if _, err := v.conn.exec("PRAGMA temp_store = MEMORY;\nBEGIN;\n" + definitions + "COMMIT;\nPRAGMA query_only = ON"); err != nil {
		return err
	}
	for id, limit := range map[int]int{
		sqlite3.SQLITE_LIMIT_LENGTH: maxCell, sqlite3.SQLITE_LIMIT_COLUMN: maxColumns,
		sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: maxPattern, sqlite3.SQLITE_LIMIT_ATTACHED: 0,
	} {
		v.conn.raw.SetLimit(id, limit)
	}
	v.conn.raw.RegisterAuthorizer(v.authorize)
	return nil
}

// define returns the statements that make the views.
func (v *views) define() (string, error) {
	var (
		sql     strings.Builder
		table   string
		columns []string
	)
	flush := func() {
		if table != "" {
			v.names[strings.ToLower(table)] = true
			sql.WriteString(defineView(v.file, table, columns))
		}
		columns = nil
	}
	err := v.conn.scan(context.Background(), fmt.Sprintf(`SELECT t.name, c.name FROM %s.sqlite_schema t, pragma_table_xinfo(t.name, '%[1]s') c
		WHERE t.type IN ('table', 'view') AND t.name NOT LIKE 'sqlite\_%%' ESCAPE '\' ORDER BY t.name, c.cid`, v.file), nil,
		func(row []driver.Value) error {
			if name := row[0].(string); name != table {
				flush()
				table = name
			}
			columns = append(columns, row[1].(string))
			return nil
		})
	flush()
	return sql.String(), err
}

// ofApps are the tables whose column app is the id of an app. Their views have the
// app's name beside it.
var ofApps = map[string]bool{
	"blobs": true, "collections": true, "deployments": true, "docs": true, "documents": true, "env_vars": true, "files": true,
	"indexes": true, "kv": true, "logs": true, "usage": true,
}

// defineView returns what makes the view of one table.
func defineView(file, table string, columns []string) string {
	var shown, names []string
	from := fmt.Sprintf("%s.%s AS t", file, quoteName(table))
	for _, column := range columns {
		name := quoteName(column)
		names = append(names, name)
		if secret(table, column) {
			shown = append(shown, "NULL AS "+name)
			continue
		}
		shown = append(shown, "t."+name)
		if column == "app" && ofApps[table] {
			// An outer join becomes an inner one, and is done by index, when a query
			// asks for an app by its name.
			shown, names = append(shown, "a.name AS app_name"), append(names, "app_name")
			from += fmt.Sprintf(" LEFT JOIN %s.apps AS a ON a.id = t.app", file)
		}
	}
	return fmt.Sprintf("CREATE TABLE main.%s (%s);\nCREATE TEMP VIEW %[1]s (%[2]s) AS SELECT %s FROM %s;\n",
		quoteName(table), strings.Join(names, ", "), strings.Join(shown, ", "), from)
}

func quoteName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// authorize lets a query read the views, and what they read.
func (v *views) authorize(op int, arg1, arg2, database string) int {
	switch op {
	case sqlite3.SQLITE_SELECT, opRecursive:
		return sqlite3.SQLITE_OK
	case sqlite3.SQLITE_READ:
		table := strings.ToLower(arg1)
		switch {
		case database == "main" && v.names[table], table == "sqlite_temp_master", database == v.file && arg2 != "" && secret(table, arg2):
			return sqlite3.SQLITE_DENY
		}
		return sqlite3.SQLITE_OK
	case sqlite3.SQLITE_FUNCTION:
		if allowedFunction(arg2) {
			return sqlite3.SQLITE_OK
		}
	case sqlite3.SQLITE_PRAGMA:
		if allowedPragma(arg1) {
			return sqlite3.SQLITE_OK
		}
	}
	return sqlite3.SQLITE_DENY
}

// secret reports whether a column holds what no query may return: hashes of
// tokens and passwords, providers' secrets, private keys, hand-overs, and apps'
// variables. It goes by the end of the name, so that the next such column is hidden
// too.
func secret(table, column string) bool {
	table, column = strings.ToLower(table), strings.ToLower(column)
	return strings.HasSuffix(column, "_hash") || strings.HasSuffix(column, "_secret") ||
		strings.HasSuffix(column, "_sealed") || table == "auth_handovers"
}

// allowedFunction refuses what reaches out of the database, and what the driver
// adds to every connection.
func allowedFunction(name string) bool {
	switch strings.ToLower(name) {
	case "load_extension", "fts3_tokenizer", "sqlite_log", "authenticate", "auth_user_add", "auth_user_change",
		"auth_user_delete", "auth_enabled":
		return false
	}
	return true
}

// allowedPragma lets a query ask about the views, and have the data file checked.
// The others ask about the database in memory, or set something.
func allowedPragma(name string) bool {
	switch strings.ToLower(name) {
	case "table_info", "table_xinfo", "integrity_check", "quick_check", "compile_options", "function_list":
		return true
	}
	return false
}

// explain says in a query's own words what it failed of.
func (v *views) explain(op string, err error) error {
	e, ok := errors.AsType[*storage.Error](wrap(op, err))
	if !ok {
		return err
	}
	text := strings.ReplaceAll(e.Error(), v.file+".", "")
	switch {
	case strings.Contains(text, "because it is a view"):
		return &storage.Error{Code: storage.CodeReadOnly, Op: op, Msg: "this statement writes, and only reads are allowed here",
			Hint: "an owner writes with: fazt sql --write"}
	case strings.Contains(e.Error(), v.file):
		return &storage.Error{Code: storage.CodeReadOnly, Op: op, Msg: text}
	}
	return e
}
