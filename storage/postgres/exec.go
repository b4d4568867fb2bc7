package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

const (
	// execTimeout bounds an operator's statement that writes: what it has locked, others
	// wait for.
	execTimeout = 5 * time.Second
	// maxAudited is how much of a statement's text its entry in the audit log has.
	maxAudited = 4 << 10
	// execRetries is how often a statement is made again that met with others' writes.
	execRetries = 5
)

// recordFunction are the statements that make what the writer's role calls after its
// statement, in the same transaction, with the rights of fazt's own user. It is all that
// the role can reach besides its views: the entry in the audit log, the revision, and
// what the store keeps of the apps whose data was changed, which is counted and indexed
// anew.
func recordFunction(tables []tableInfo) []string {
	schema := "public"
	if len(tables) > 0 {
		schema = tables[0].schema
	}
	name := writerRole.schema + ".record(TEXT, BIGINT, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT[], BOOLEAN)"
	return []string{
		`CREATE OR REPLACE FUNCTION ` + writerRole.schema + `.record(entry TEXT, moment BIGINT, kind TEXT, actor TEXT, actor_name TEXT, addr TEXT,
			details TEXT, changed TEXT[], docs BOOLEAN) RETURNS BIGINT LANGUAGE SQL SECURITY DEFINER SET search_path = ` + quoteName(schema) + ` AS $body$
			INSERT INTO audit (id, at, actor_kind, actor_id, actor_name, actor_addr, action, target, details)
				VALUES ($1, $2, $3, $4, $5, $6, 'sql.exec', '', $7);

			UPDATE collections AS c SET (count, bytes) = (SELECT count(*), coalesce(sum(octet_length(c.name) + octet_length(d.body)), 0)
				FROM documents AS d WHERE d.app = c.app AND d."user" = c."user" AND d.collection = c.generation)
				WHERE c.app = ANY ($8) AND $9;
			INSERT INTO usage (app, bytes, seq) SELECT a,
				(SELECT coalesce(sum(64 + octet_length(key) + octet_length(value)), 0) FROM kv WHERE app = a) +
				(SELECT coalesce(sum(64 * count + bytes), 0) FROM collections WHERE app = a) +
				(SELECT coalesce(sum(64 + size + octet_length(path) + octet_length(mime)), 0) FROM blobs WHERE app = a),
				(SELECT coalesce(max(seq), 0) FROM documents WHERE app = a)
				FROM unnest($8) AS a ON CONFLICT (app) DO UPDATE SET bytes = excluded.bytes;

			UPDATE sequence SET value = value + (SELECT count(*) FROM indexes WHERE app = ANY ($8) AND state <> 'dropped') WHERE id = 1 AND $9;
			UPDATE indexes SET state = 'dropped', built_seq = -1 WHERE app = ANY ($8) AND $9 AND state <> 'dropped';
			INSERT INTO indexes (id, app, collection, field, state, automatic, used_at, built_user, built_seq)
				SELECT (SELECT value FROM sequence WHERE id = 1) + 1 - row_number() OVER (), app, collection, field, 'building', automatic, used_at, '', 0
				FROM indexes WHERE built_seq = -1 AND $9;
			UPDATE indexes SET built_seq = 0 WHERE built_seq = -1 AND $9;

			UPDATE changes SET revision = revision + 1 WHERE name = 'catalogue' RETURNING revision
		$body$`,
		`REVOKE ALL ON FUNCTION ` + name + ` FROM PUBLIC`,
		`GRANT EXECUTE ON FUNCTION ` + name + ` TO {role}`,
	}
}

// Exec implements [storage.Queries]. The statement runs as a role that may change the
// views of what operators may change, which are without secrets.
func (s *Store) Exec(ctx context.Context, statement string) (affected int64, err error) {
	const op = "exec"
	statement, err = oneStatement(op, statement, "give one INSERT, UPDATE or DELETE")
	if err != nil {
		return 0, err
	}
	if word := secretWord(statement); word != "" {
		return 0, &storage.Error{Code: storage.CodeReadOnly, Op: op, Path: word, Msg: "holds secrets, which no statement may read or write",
			Hint: "leave it out; change a secret by the command that it belongs to"}
	}
	end, err := s.beginStatement(ctx, op)
	if err != nil {
		return 0, err
	}
	defer end()
	limited, cancel := context.WithTimeout(ctx, execTimeout)
	defer cancel()
	conn, err := s.connectAs(limited, writerRole)
	if err != nil {
		return 0, s.failed(op, err)
	}
	defer closeConn(conn)
	x := execution{ctx: limited, op: op, conn: conn, statement: statement}
	for tries := 0; ; tries++ {
		if err = x.run(); err == nil {
			// From here on it may have been made, whoever waits for it.
			err = s.commitStatement(conn)
		}
		if err == nil {
			break
		}
		if !retryable(err) || tries == execRetries || limited.Err() != nil {
			return 0, s.explain(limited, op, err)
		}
		if err := runOne(limited, conn.PgConn(), "ROLLBACK"); err != nil {
			return 0, s.explain(limited, op, err)
		}
	}
	s.watch.observe(x.revision)
	if x.docs {
		s.indexer.now()
	}
	return x.affected, nil
}

// commitStatement ends the transaction of an operator's statement, which the end of a
// context does not cancel.
func (s *Store) commitStatement(conn *pgx.Conn) error {
	const op = "exec"
	ctx, cancel := context.WithTimeout(context.Background(), commitLimit)
	defer cancel()
	takeWarning(conn)
	tag, err := conn.Exec(ctx, "COMMIT")
	if retryable(err) {
		return err
	}
	if err == nil && tag.String() != "COMMIT" {
		return &storage.Error{Code: storage.CodeUnavailable, Op: op, Msg: "the database has rolled the statement back", Hint: "try again"}
	}
	if warning := takeWarning(conn); err == nil && warning != "" {
		err = fmt.Errorf("the database warns: %s", warning)
	}
	if err != nil {
		return &storage.Error{Code: storage.CodeUncertain, Op: op, Err: err, Msg: "it is not known whether the statement was made", Hint: "look before you run it again"}
	}
	return nil
}

// execution is one statement of an operator's that writes.
type execution struct {
	ctx       context.Context
	op        string
	conn      *pgx.Conn
	statement string

	affected int64
	apps     map[string]bool // whose rows it has changed, if it has changed an app's data
	docs     bool            // it has changed documents
	revision int64
}

func (x *execution) run() error {
	x.affected, x.apps = 0, make(map[string]bool)
	for _, text := range []string{
		"BEGIN ISOLATION LEVEL REPEATABLE READ",
		fmt.Sprintf("SET LOCAL statement_timeout = %d", execTimeout.Milliseconds()),
		fmt.Sprintf("SET LOCAL lock_timeout = %d", execTimeout.Milliseconds()),
	} {
		if err := runOne(x.ctx, x.conn.PgConn(), text); err != nil {
			return err
		}
	}
	if strings.HasPrefix(firstWords(x.statement), "EXPLAIN") {
		return errReturnsRows(x.op)
	}
	// What can be explained is a statement that reads or changes rows: none that begins
	// or ends a transaction, or sets something.
	if err := runOne(x.ctx, x.conn.PgConn(), "EXPLAIN "+x.statement); err != nil {
		return x.refusal(err)
	}
	if err := x.change(); err != nil {
		return x.refusal(err)
	}
	var err error
	if x.docs, err = x.changed("documents"); err != nil {
		return err
	}
	if data, err := x.changed("documents", "kv", "blobs"); err != nil || !data {
		x.apps = nil
		if err != nil {
			return err
		}
	}
	return x.record()
}

// change runs the statement. Where the rows that it changes have an app, it is asked for,
// to know whose data was changed.
func (x *execution) change() error {
	conn := x.conn.PgConn()
	if err := runOne(x.ctx, conn, "SAVEPOINT plain"); err != nil {
		return err
	}
	result := conn.ExecParams(x.ctx, x.statement+"\nRETURNING app", nil, nil, nil, nil)
	for result.NextRow() {
		x.apps[string(result.Values()[0])] = true
	}
	tag, err := result.Close()
	if err == nil {
		x.affected = tag.RowsAffected()
		return nil
	}
	if state := sqlState(err); !strings.HasPrefix(state, "42") {
		return err
	}
	if err := runOne(x.ctx, conn, "ROLLBACK TO plain"); err != nil {
		return err
	}
	clear(x.apps)
	result = conn.ExecParams(x.ctx, x.statement, nil, nil, nil, nil)
	returns := len(result.FieldDescriptions()) > 0
	if tag, err = result.Close(); err != nil {
		return err
	}
	if returns || !tag.Insert() && !tag.Update() && !tag.Delete() {
		return errReturnsRows(x.op)
	}
	x.affected = tag.RowsAffected()
	return nil
}

func errReturnsRows(op string) error {
	return &storage.Error{Code: storage.CodeInvalid, Op: op, Msg: "the statement returns rows, and is not made", Hint: "give one INSERT, UPDATE or DELETE without RETURNING"}
}

// refusal says that a view can't be changed where that is why the statement failed.
func (x *execution) refusal(err error) error {
	if state := sqlState(err); state == "42501" || state == "55000" || state == "0A000" {
		return &storage.Error{Code: storage.CodeReadOnly, Op: x.op, Err: err, Msg: "that can't be changed by a statement", Hint: "use the command that it belongs to"}
	}
	return err
}

// changed reports whether the transaction has changed rows of one of the tables.
func (x *execution) changed(tables ...string) (changed bool, err error) {
	err = x.conn.QueryRow(x.ctx, `SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) > 0 FROM pg_stat_xact_user_tables
		WHERE relname = ANY ($1)`, tables).Scan(&changed)
	return changed, err
}

// record makes the entry in the audit log, and counts the revision up.
func (x *execution) record() error {
	details := struct {
		Statement string `json:"statement"`
		Affected  int64  `json:"affected"`
	}{cut(x.statement, maxAudited), x.affected}
	entry := &entryOnly{}
	if err := storage.RecordAudit(entry, api.ActorFrom(x.ctx), "sql.exec", "", details); err != nil {
		return err
	}
	// All but the action and the target, which the function knows.
	args := append(slices.Clone(entry.args[:6]), entry.args[8], slices.Sorted(maps.Keys(x.apps)), x.docs)
	return x.conn.QueryRow(x.ctx, "SELECT "+writerRole.schema+".record($1, $2, $3, $4, $5, $6, $7, $8, $9)", args...).Scan(&x.revision)
}

// entryOnly keeps the values of the entry that [storage.RecordAudit] makes.
type entryOnly struct{ args []any }

func (e *entryOnly) Exec(_ string, args ...any) (int64, error) { e.args = args; return 1, nil }

func (e *entryOnly) Query(string, []any, func(func(...any) error) error) error { return nil }

func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "\u2026"
}

// secretWord returns the first name in a statement that is one of a column with secrets,
// or "".
func secretWord(statement string) string {
	for i := 0; i < len(statement); {
		size := tokenSize(statement[i:])
		token := statement[i : i+size]
		if name := strings.Trim(token, `"'`); !strings.HasPrefix(token, "--") && !strings.HasPrefix(token, "/*") && secret(name, name) {
			return name
		}
		i += size
	}
	return ""
}
