package sqlite

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

const (
	// execTimeout bounds an operator's statement that writes. Nobody else writes
	// meanwhile, and other connections wait up to busyTimeout.
	execTimeout = 5 * time.Second
	// execGrowth is by how many bytes such a statement may make the data file grow.
	execGrowth = 256 << 20
	// maxAudited is how much of a statement's text its entry in the audit log has.
	maxAudited = 4 << 10
)

// sealedTables are those that an operator's statement must not change: what the store
// and others rely on being as they wrote it, and the record of what was done. Their
// triggers may change other tables that are not here.
var sealedTables = []string{"audit", "auth_handovers", "certificates", "changes", "chunks", "config", "contents", "env_vars",
	"index_entries", "indexes", "keys", "leases", "migrations", "sequence"}

// Exec implements [storage.Queries].
//
// The statement runs on a connection of its own, as if by another process: so it can
// be interrupted, which would undo everybody's batch on the writer's, and so the
// authorizer sees no other statement.
func (s *Store) Exec(ctx context.Context, statement string) (affected int64, err error) {
	const op = "exec"
	statement, err = oneStatement(op, statement)
	if err != nil {
		return 0, err
	}
	if word := secretWord(statement); word != "" {
		return 0, &storage.Error{Code: storage.CodeReadOnly, Op: op, Path: word, Msg: "holds secrets, which no statement may read or write",
			Hint: "leave it out; change a secret by the command that it belongs to"}
	}
	end, err := s.beginQuery(ctx, op)
	if err != nil {
		return 0, err
	}
	defer end()
	ctx, cancel := context.WithTimeout(ctx, execTimeout)
	defer cancel()
	x := execution{ctx: ctx, op: op, statement: statement}
	revision, err := x.run(s.path)
	if err != nil {
		return 0, wrap(op, err)
	}
	s.watch.observe(revision)
	if x.documents {
		s.indexer.now()
	}
	return x.affected, nil
}

// execution is one statement of an operator's that writes.
type execution struct {
	ctx       context.Context
	op        string
	statement string
	conn      *conn

	affected  int64
	viewed    int64 // rows of the view docs that it has changed
	documents bool  // it may have changed some
	changes   bool  // it is one that changes rows, whether there are any or not
}

// run makes the change, with its entry in the audit log, and returns the revision
// after it.
func (x *execution) run(path string) (revision int64, err error) {
	if x.conn, err = openConn(path, "mode", "rw", "_busy_timeout", strconv.FormatInt(execTimeout.Milliseconds(), 10)); err != nil {
		return 0, err
	}
	defer x.conn.close()
	if err := x.bound(); err != nil {
		return 0, err
	}
	if err := x.countDocs(); err != nil {
		return 0, err
	}
	if _, err := x.conn.exec("BEGIN IMMEDIATE"); err != nil {
		return 0, err
	}
	// To close the connection before the commit undoes everything.
	if err := x.ctx.Err(); err != nil {
		return 0, err
	}
	if err := x.exec(); err != nil {
		return 0, err
	}
	if err := storage.RecordAudit(connSQL{x.conn}, api.ActorFrom(x.ctx), "sql.exec", "", execDetails{cut(x.statement, maxAudited), x.affected}); err != nil {
		return 0, err
	}
	if x.documents {
		if err := x.rebuildIndexes(); err != nil {
			return 0, err
		}
	}
	if _, err := x.conn.exec("UPDATE changes SET revision = revision + 1 WHERE name = 'catalogue'"); err != nil {
		return 0, err
	}
	if revision, err = x.conn.queryInt(selectRevision); err != nil {
		return 0, err
	}
	if err := x.ctx.Err(); err != nil {
		return 0, err
	}
	_, err = x.conn.exec("COMMIT")
	return revision, err
}

// execDetails is what the audit log says about a statement.
type execDetails struct {
	Statement string `json:"statement"`
	Affected  int64  `json:"affected"`
}

func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "\u2026"
}

// bound keeps the statement from taking the disk and the memory.
func (x *execution) bound() error {
	size, err := x.conn.queryInt("PRAGMA page_size")
	if err != nil {
		return err
	}
	pages, err := x.conn.queryInt("PRAGMA page_count")
	if err != nil {
		return err
	}
	for id, limit := range map[int]int{
		sqlite3.SQLITE_LIMIT_LENGTH: maxCell, sqlite3.SQLITE_LIMIT_COLUMN: maxColumns,
		sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: maxPattern, sqlite3.SQLITE_LIMIT_ATTACHED: 0,
	} {
		x.conn.raw.SetLimit(id, limit)
	}
	_, err = x.conn.exec("PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 0; PRAGMA max_page_count = " +
		strconv.FormatInt(pages+execGrowth/size, 10))
	return err
}

// exec runs the statement itself.
func (x *execution) exec() error {
	ctx, memory := watchMemory(x.ctx)
	defer memory.stop()
	x.conn.raw.RegisterAuthorizer(x.authorize)
	defer x.conn.raw.RegisterAuthorizer(nil)
	rows, err := x.conn.raw.QueryContext(ctx, x.statement, nil)
	if err != nil {
		return cmp.Or(memory.err(x.op), explainExec(x.op, callError(ctx, err)))
	}
	defer rows.Close()
	if len(rows.Columns()) > 0 { // nobody would see them, and SQLite counts no rows until they are read
		return &storage.Error{Code: storage.CodeInvalid, Op: x.op, Msg: "the statement returns rows, and one that writes returns their number alone",
			Hint: "leave RETURNING out; a SELECT is run without write"}
	}
	if err := rows.Next(nil); !errors.Is(err, io.EOF) {
		return cmp.Or(memory.err(x.op), explainExec(x.op, ctxError(ctx, err)))
	}
	if err := rows.Close(); err != nil {
		return wrap(x.op, err)
	}
	if !x.changes {
		return &storage.Error{Code: storage.CodeInvalid, Op: x.op, Msg: "the statement only reads, and its rows would not be shown",
			Hint: "run it without --write, or \"write\": true"}
	}
	if x.conn.raw.AutoCommit() {
		return &storage.Error{Code: storage.CodeInvalid, Op: x.op, Msg: "the statement has ended its transaction"}
	}
	x.conn.raw.RegisterAuthorizer(nil)
	x.affected, err = x.conn.queryInt("SELECT changes()")
	x.affected += x.viewed
	return err
}

// explainExec says what a statement that writes may do.
func explainExec(op string, err error) error {
	err = wrap(op, err)
	if e, ok := errors.AsType[*storage.Error](err); ok && e.Code == storage.CodeReadOnly {
		e.Hint = "a statement here is an INSERT, UPDATE or DELETE, not of a secret, nor of " + strings.Join(sealedTables, ", ")
	}
	return err
}

// countDocs counts the rows that the statement changes of the view docs. SQLite counts
// none of a view. The statement can't know the name of the function.
func (x *execution) countDocs() error {
	name := "f" + strings.ToLower(rand.Text())
	if err := x.conn.raw.RegisterFunc(name, func() int64 { x.viewed++; return x.viewed }, false); err != nil {
		return err
	}
	var sql strings.Builder
	for i, event := range []string{"INSERT", "DELETE", "UPDATE OF id, body, created_at, updated_at"} {
		fmt.Fprintf(&sql, "CREATE TEMP TRIGGER count_docs_%d INSTEAD OF %s ON main.docs BEGIN SELECT %s(); END;\n", i, event, name)
	}
	_, err := x.conn.exec(sql.String())
	return err
}

// authorize lets the statement change rows, but for sealedTables and what is secret.
func (x *execution) authorize(op int, arg1, arg2, _ string) int {
	table := strings.ToLower(arg1)
	allowed := false
	switch op {
	case sqlite3.SQLITE_SELECT, opRecursive:
		allowed = true
	case sqlite3.SQLITE_READ:
		allowed = arg2 == "" || !secret(table, arg2)
	case sqlite3.SQLITE_FUNCTION:
		allowed = allowedFunction(arg2)
	case sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE:
		allowed = !slices.Contains(sealedTables, table) && !strings.HasPrefix(table, "sqlite_") && !secret(table, arg2) &&
			(op != sqlite3.SQLITE_INSERT || !secretTables[table])
		x.documents = x.documents || table == "documents"
		x.changes = true
	}
	if !allowed {
		return sqlite3.SQLITE_DENY
	}
	return sqlite3.SQLITE_OK
}

// secretTables have columns with secrets that a row is nothing without, so nobody
// else than their packages makes rows in them.
var secretTables = map[string]bool{
	"api_keys": true, "auth_invites": true, "auth_passwords": true, "auth_providers": true, "auth_sessions": true, "auth_used": true, "peers": true,
}

// secretWord returns a word of the statement that is the name of something secret, or
// "". The authorizer is not asked about the columns that a JOIN ... USING compares; but
// to compare a secret with a value of one's own, one must spell its name.
func secretWord(statement string) string {
	for i := 0; i < len(statement); {
		size := tokenSize(statement[i:])
		token := statement[i : i+size]
		switch {
		case strings.HasPrefix(token, "--"), strings.HasPrefix(token, "/*"):
		case size == 1 && isWord(token[0]):
			for size = 1; i+size < len(statement) && isWord(statement[i+size]); size++ {
			}
			token = statement[i : i+size]
			if secret(token, token) {
				return token
			}
		case size > 1:
			if name := strings.Trim(token, "\"'`[]"); secret(name, name) {
				return name
			}
		}
		i += size
	}
	return ""
}

// isWord reports whether a byte can be part of a name that is not quoted.
func isWord(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// rebuildIndexes has all indexes of documents made anew, since the statement has not
// kept them up: the new ones are built by the indexer, and the old ones swept.
func (x *execution) rebuildIndexes() error {
	next, err := x.conn.queryInt("SELECT value FROM sequence WHERE id = 1")
	if err != nil {
		return err
	}
	var stale [][]driver.Value
	if err := x.conn.scan(x.ctx, "SELECT id, app, collection, field, automatic, used_at FROM indexes WHERE state <> 'dropped'", nil,
		func(row []driver.Value) error { stale = append(stale, slices.Clone(row)); return nil }); err != nil {
		return err
	}
	for _, row := range stale {
		next++
		if _, err := x.conn.exec(dropIndex, row[0]); err != nil {
			return err
		}
		if _, err := x.conn.exec(insertIndex, next, row[1], row[2], row[3], row[4], row[5]); err != nil {
			return err
		}
	}
	_, err = x.conn.exec("UPDATE sequence SET value = ? WHERE id = 1", next)
	return err
}

// connSQL is a connection for [storage.RecordAudit].
type connSQL struct{ conn *conn }

func (c connSQL) Exec(query string, args ...any) (int64, error) { return c.conn.exec(query, args...) }

func (c connSQL) Query(string, []any, func(func(...any) error) error) error {
	return &storage.Error{Code: storage.CodeInvalid, Msg: "this only writes"}
}
