package postgres

import (
	"cmp"
	"context"
	"errors"
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
// anew, while it has their turns. Apps that are NULL are all.
//
// It is for the store alone: the ticket that it takes is made when the operator's statement
// has ended, so that none can call it with one.
func recordFunction(tables []tableInfo) []string {
	schema := "public"
	if len(tables) > 0 {
		schema = tables[0].schema
	}
	name := writerRole.schema + ".record(TEXT, TEXT, BIGINT, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT[], BOOLEAN)"
	return []string{
		`DROP FUNCTION IF EXISTS ` + name,
		`CREATE FUNCTION ` + writerRole.schema + `.record(ticket TEXT, entry TEXT, moment BIGINT, kind TEXT, actor TEXT, actor_name TEXT, addr TEXT,
			details TEXT, touched TEXT[], docs BOOLEAN) RETURNS BIGINT LANGUAGE SQL SECURITY DEFINER SET search_path = ` + quoteName(schema) + `, pg_temp AS $body$
			WITH used AS (DELETE FROM leases WHERE name = '` + ticketOf + `' || $1 RETURNING 1) SELECT 1 / count(*) FROM used;
			INSERT INTO audit (id, at, actor_kind, actor_id, actor_name, actor_addr, action, target, details)
				VALUES ($2, $3, $4, $5, $6, $7, 'sql.exec', '', $8);

			SELECT count(*) FROM (SELECT 1 FROM usage WHERE $9 IS NULL OR app = ANY ($9) ORDER BY app FOR UPDATE) AS turns;
			UPDATE collections AS c SET (count, bytes) = (SELECT count(*), coalesce(sum(octet_length(c.name) + octet_length(d.body)), 0)
				FROM documents AS d WHERE d.app = c.app AND d."user" = c."user" AND d.collection = c.generation)
				WHERE ($9 IS NULL OR c.app = ANY ($9)) AND $10;
			INSERT INTO usage (app, bytes, seq) SELECT a,
				(SELECT coalesce(sum(64 + octet_length(key) + octet_length(value)), 0) FROM kv WHERE app = a) +
				(SELECT coalesce(sum(64 * count + bytes), 0) FROM collections WHERE app = a) +
				(SELECT coalesce(sum(64 + size + octet_length(path) + octet_length(mime)), 0) FROM blobs WHERE app = a),
				(SELECT coalesce(max(seq), 0) FROM documents WHERE app = a)
				FROM (SELECT unnest($9) AS a UNION SELECT app FROM usage WHERE $9 IS NULL AND app <> '' AND app NOT LIKE '.%') AS x
				ON CONFLICT (app) DO UPDATE SET bytes = excluded.bytes;

			UPDATE sequence SET value = value + (SELECT count(*) FROM indexes WHERE ($9 IS NULL OR app = ANY ($9)) AND state <> 'dropped')
				WHERE id = 1 AND $10;
			UPDATE indexes SET state = 'dropped', built_seq = -1 WHERE ($9 IS NULL OR app = ANY ($9)) AND $10 AND state <> 'dropped';
			INSERT INTO indexes (id, app, collection, field, state, automatic, used_at, built_user, built_seq)
				SELECT (SELECT value FROM sequence WHERE id = 1) + 1 - row_number() OVER (), app, collection, field, 'building', automatic, used_at, '', 0
				FROM indexes WHERE built_seq = -1 AND $10;
			UPDATE indexes SET built_seq = 0 WHERE built_seq = -1 AND $10;

			` + countRevision + `
		$body$`,
		`REVOKE ALL ON FUNCTION ` + name + ` FROM PUBLIC`,
		`GRANT EXECUTE ON FUNCTION ` + name + ` TO {role}`,
	}
}

// ticketOf is what the name of a ticket begins with, among the leases.
const ticketOf = "fazt.exec."

// Exec implements [storage.Queries]. The statement runs as a role that may change the
// views of what operators may change, which are without secrets.
func (s *Store) Exec(ctx context.Context, statement string) (affected int64, err error) {
	const op = "exec"
	statement, err = oneStatement(op, statement, "give one INSERT, UPDATE or DELETE")
	if err != nil {
		return 0, err
	}
	if err := refuseReaching(op, statement); err != nil {
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
	x := execution{store: s, ctx: limited, op: op, conn: conn, statement: statement}
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
	store     *Store
	ctx       context.Context
	op        string
	conn      *pgx.Conn
	statement string

	affected int64
	apps     []string // whose data it has changed; nil is all
	docs     bool     // it has changed documents
	revision int64
}

func (x *execution) run() error {
	for _, text := range []string{
		"BEGIN ISOLATION LEVEL READ COMMITTED",
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
	apps, err := x.change()
	if err != nil {
		return x.refusal(err)
	}
	docs, data, err := x.changed()
	if err != nil {
		return err
	}
	x.docs = docs > 0
	switch {
	case docs+data == 0:
		x.apps = []string{}
	case apps != nil && docs+data == x.affected:
		x.apps = slices.Sorted(maps.Keys(apps))
	default: // it has changed more than the rows that it names
		x.apps = nil
	}
	return x.record()
}

// change runs the statement. Where the rows that it changes have an app, it is asked for,
// to know whose data was changed; else apps is nil.
func (x *execution) change() (apps map[string]bool, err error) {
	conn := x.conn.PgConn()
	if err := runOne(x.ctx, conn, "SAVEPOINT plain"); err != nil {
		return nil, err
	}
	apps = make(map[string]bool)
	result := conn.ExecParams(x.ctx, x.statement+"\nRETURNING app", nil, nil, nil, nil)
	for result.NextRow() {
		apps[string(result.Values()[0])] = true
	}
	tag, err := result.Close()
	if err == nil {
		x.affected = tag.RowsAffected()
		return apps, nil
	}
	if state := sqlState(err); !strings.HasPrefix(state, "42") {
		return nil, err
	}
	if err := runOne(x.ctx, conn, "ROLLBACK TO plain"); err != nil {
		return nil, err
	}
	result = conn.ExecParams(x.ctx, x.statement, nil, nil, nil, nil)
	returns := len(result.FieldDescriptions()) > 0
	if tag, err = result.Close(); err != nil {
		return nil, err
	}
	if returns || !tag.Insert() && !tag.Update() && !tag.Delete() {
		return nil, errReturnsRows(x.op)
	}
	x.affected = tag.RowsAffected()
	return nil, nil
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

// changed returns how many documents, and how many keys, the transaction has changed.
func (x *execution) changed() (docs, data int64, err error) {
	err = x.conn.QueryRow(x.ctx, `SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del) FILTER (WHERE relname = 'documents'), 0),
		coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del) FILTER (WHERE relname = 'kv'), 0) FROM pg_stat_xact_user_tables`).Scan(&docs, &data)
	return docs, data, err
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
	ticket := newID()
	if ok, err := x.store.takeLease(x.ctx, ticketOf+ticket, x.store.server, execTimeout); err != nil || !ok {
		return cmp.Or(err, errClosed(x.op))
	}
	// All but the action and the target, which the function knows.
	args := append([]any{ticket}, entry.args[:6]...)
	args = append(args, entry.args[8], x.apps, x.docs)
	err := x.conn.QueryRow(x.ctx, "SELECT "+writerRole.schema+".record($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)", args...).Scan(&x.revision)
	if err != nil {
		// A ticket that was not used ends by itself, too.
		err = errors.Join(err, x.store.dropLease(context.WithoutCancel(x.ctx), ticketOf+ticket, x.store.server))
	}
	return err
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
