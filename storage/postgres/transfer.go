package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/transfer"
)

// dumps are the statements that read the tables of [transfer.Tables] whose columns or
// names are others here. Those of docs and logs begin with the row's rank.
var dumps = map[string]string{
	"sequence":       `SELECT value FROM sequence`,
	"contents":       `SELECT hash, encoding, size, touched_at FROM contents ORDER BY hash, encoding`,
	"content_chunks": `SELECT c.hash, c.encoding, k.n, k.data FROM contents c JOIN chunks k ON k.body = c.body ORDER BY c.hash, c.encoding, k.n`,
	"blob_chunks":    `SELECT b.app, b."user", b.path, k.n, k.data FROM blobs b JOIN chunks k ON k.body = b.body ORDER BY b.app, b."user", b.path, k.n`,
	"logs":           `SELECT row_number() OVER (ORDER BY id) - 1, app, at, level, text, request_id FROM logs ORDER BY id`,
	"docs": `SELECT app, "user", collection, row_number() OVER (PARTITION BY app, "user", collection ORDER BY seq) - 1, id, body, created_at, updated_at
		FROM docs ORDER BY app, "user", collection, seq`,
	"indexes": `SELECT app, collection, field, automatic, used_at FROM indexes WHERE state <> 'dropped' ORDER BY app, collection, field`,
}

// Dump implements [transfer.Source], on one snapshot. Rows come as they are read, and are
// not held.
func (s *Store) Dump(ctx context.Context, put transfer.Put) error {
	const op = "dump"
	if err := s.usable(ctx, op); err != nil {
		return err
	}
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return s.failed(op, err)
	}
	defer conn.Release()
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return s.failed(op, err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) // there is nothing to keep
	return s.failed(op, dump(ctx, stream{tx, s.others.tables()}, put))
}

// stream reads the rows of a transaction one by one. What reads them can't use the
// connection meanwhile.
type stream struct {
	tx     pgx.Tx
	others []string // the tables of other packages
}

func (s stream) query(ctx context.Context, query string, args []any, fn func(scan scanFunc) error) error {
	rows, err := s.tx.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Dump implements [transfer.Source].
func (s stream) Dump(ctx context.Context, put transfer.Put) error { return dump(ctx, s, put) }

func dump(ctx context.Context, q stream, put transfer.Put) error {
	for _, t := range transfer.Tables {
		query := dumps[t.Name]
		if query == "" {
			query = selectAll(t)
		}
		if err := dumpTable(ctx, q, t, query, put); err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	others, err := q.otherTables(ctx)
	if err != nil {
		return err
	}
	for _, t := range others {
		if err := dumpTable(ctx, q, t, selectAll(t), put); err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	return nil
}

func selectAll(t *transfer.Table) string {
	return "SELECT " + columnList(t.Columns) + " FROM " + quoteName(t.Name)
}

func columnList(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = quoteName(name)
	}
	return strings.Join(quoted, ", ")
}

// dumpTable puts the rows of a query, a page of them at a time in memory.
func dumpTable(ctx context.Context, q stream, t *transfer.Table, query string, put transfer.Put) error {
	values, into := make([]any, len(t.Columns)), make([]any, len(t.Columns))
	for i := range values {
		into[i] = &values[i]
	}
	return q.query(ctx, query, nil, func(scan scanFunc) error {
		if err := scan(into...); err != nil {
			return err
		}
		return put(t, values)
	})
}

// otherTables are those of other packages, by name, with their columns by name. What else
// is in the database is nobody's of fazt's, and left alone.
func (s stream) otherTables(ctx context.Context) (tables []*transfer.Table, err error) {
	err = s.query(ctx, `SELECT table_name, column_name FROM information_schema.columns
		WHERE table_schema = current_schema() AND table_name = ANY ($1) ORDER BY table_name COLLATE "C", column_name COLLATE "C"`,
		[]any{s.others}, func(scan scanFunc) error {
			var table, column string
			if err := scan(&table, &column); err != nil {
				return err
			}
			if n := len(tables); n == 0 || tables[n-1].Name != table {
				tables = append(tables, &transfer.Table{Name: table})
			}
			last := tables[len(tables)-1]
			last.Columns = append(last.Columns, column)
			return nil
		})
	return tables, err
}

// Load implements [transfer.Sink]: it fills a database that has nothing but its tables, in
// one transaction. Other servers may not be at work on it.
func (s *Store) Load(ctx context.Context, fill func(transfer.Put) error, check func(transfer.Source) error) (err error) {
	const op = "load"
	if err := s.usable(ctx, op); err != nil {
		return err
	}
	conn, err := s.writes.Acquire(ctx)
	if err != nil {
		return s.failed(op, err)
	}
	defer conn.Release()
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		return s.failed(op, err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) // after the commit there is nothing to undo
	l := &loader{ctx: ctx, tx: tx, others: s.others.tables(), bodies: make(map[[3]string]string), collections: make(map[[3]string]int64)}
	if err := l.checkEmpty(); err != nil {
		return s.failed(op, err)
	}
	if err := fill(l.put); err != nil {
		return s.failed(op, err)
	}
	if err := l.finish(); err != nil {
		return s.failed(op, err)
	}
	if err := check(stream{tx, s.others.tables()}); err != nil {
		return s.failed(op, err)
	}
	return s.commitLoad(ctx, conn.Conn(), tx)
}

// commitLoad ends a load. While a standby is waited for, nobody knows what will be.
func (s *Store) commitLoad(ctx context.Context, conn *pgx.Conn, tx pgx.Tx) error {
	const op = "load"
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitLimit)
	defer cancel()
	takeWarning(conn)
	err := tx.Commit(limited)
	if warning := takeWarning(conn); err == nil && warning != "" {
		err = fmt.Errorf("the database warns: %s", warning)
	}
	if err == nil || sqlState(err) != "" && !away(err) && limited.Err() == nil {
		return s.failed(op, err)
	}
	return &storage.Error{Code: storage.CodeUncertain, Op: op, Err: err, Msg: "it is not known whether the data is there",
		Hint: "look with: fazt app list; if it is not, restore again, into an empty database"}
}

// loader makes rows of what is put. Rows of one table are sent together.
type loader struct {
	ctx    context.Context
	tx     pgx.Tx
	others []string

	last        int64                // number given out
	version     int64                // the last of a key's
	bodies      map[[3]string]string // by hash and encoding, or by app, user and path
	collections map[[3]string]int64  // generations by app, user and name

	table   string
	columns []string
	rows    [][]any
	size    int
}

// loadBytes is how much is sent at a time, about.
const loadBytes = 4 << 20

// checkEmpty refuses a database with data in it.
func (l *loader) checkEmpty() error {
	others, err := stream{l.tx, l.others}.otherTables(l.ctx)
	if err != nil {
		return err
	}
	names := []string{"apps", "removed_apps", "kv", "documents", "blobs", "aliases", "peers", "env_vars", "keys"}
	for _, t := range others {
		names = append(names, t.Name)
	}
	for _, name := range names {
		var there bool
		if err := l.tx.QueryRow(l.ctx, "SELECT EXISTS (SELECT 1 FROM "+quoteName(name)+")").Scan(&there); err != nil {
			return err
		}
		if there {
			return &storage.Error{Code: storage.CodeConflict, Op: "load", Path: name, Msg: "the database has data already, and nothing is put beside it",
				Hint: "make an empty database, and name that"}
		}
	}
	return nil
}

func (l *loader) next() int64 { l.last++; return l.last }

func (l *loader) put(t *transfer.Table, v []any) error {
	switch t.Name {
	case "sequence":
		l.version = v[0].(int64)
		return nil
	case "contents":
		body := newID()
		l.bodies[[3]string{v[0].(string), v[1].(string)}] = body
		return l.add("contents", []string{"hash", "encoding", "body", "size", "touched_at"}, v[0], v[1], body, v[2], v[3])
	case "content_chunks":
		return l.chunk([3]string{v[0].(string), v[1].(string)}, v[2], v[3])
	case "blobs":
		body := newID()
		l.bodies[[3]string{v[0].(string), v[1].(string), v[2].(string)}] = body
		return l.add("blobs", []string{"app", "user", "path", "body", "size", "mime", "hash", "updated_at"}, v[0], v[1], v[2], body, v[3], v[4], v[5], v[6])
	case "blob_chunks":
		return l.chunk([3]string{v[0].(string), v[1].(string), v[2].(string)}, v[3], v[4])
	case "docs":
		name := [3]string{v[0].(string), v[1].(string), v[2].(string)}
		generation, ok := l.collections[name]
		if !ok {
			generation = l.next()
			l.collections[name] = generation
		}
		return l.add("documents", []string{"app", "user", "collection", "seq", "id", "body", "created_at", "updated_at"},
			v[0], v[1], generation, l.next(), v[4], v[5], v[6], v[7])
	case "logs":
		return l.add("logs", []string{"id", "app", "at", "level", "text", "request_id"}, append([]any{l.next()}, v[1:]...)...)
	case "indexes":
		return l.add("indexes", []string{"id", "state", "built_user", "built_seq", "app", "collection", "field", "automatic", "used_at"},
			append([]any{l.next(), "building", "", int64(0)}, v...)...)
	}
	return l.add(t.Name, t.Columns, v...)
}

func (l *loader) chunk(key [3]string, n, data any) error {
	body, ok := l.bodies[key]
	if !ok {
		return &storage.Error{Code: storage.CodeFormat, Msg: "a piece of a body came before the body"}
	}
	return l.add("chunks", []string{"body", "n", "data"}, body, n, data)
}

// add keeps a row until there are enough to be sent. Its values are copied: they are good
// for this call alone.
func (l *loader) add(table string, columns []string, values ...any) error {
	if table != l.table || l.size > loadBytes {
		if err := l.send(); err != nil {
			return err
		}
		l.table, l.columns = table, columns
	}
	row := slices.Clone(values)
	for i, v := range row {
		switch v := v.(type) {
		case string:
			if strings.IndexByte(v, 0) >= 0 {
				return &storage.Error{Code: storage.CodeFormat, Op: "load", Path: table + "." + columns[i], Msg: "a text has a NUL character, which this database can't hold"}
			}
			row[i] = strings.Clone(v)
			l.size += len(v)
		case []byte:
			row[i] = slices.Clone(v)
			l.size += len(v)
		}
	}
	l.size += 64
	l.rows = append(l.rows, row)
	return nil
}

func (l *loader) send() error {
	if len(l.rows) == 0 {
		return nil
	}
	_, err := l.tx.CopyFrom(l.ctx, pgx.Identifier{l.table}, l.columns, pgx.CopyFromRows(l.rows))
	l.rows, l.size = l.rows[:0], 0
	if err != nil {
		return fmt.Errorf("%s: %w", l.table, err)
	}
	return nil
}

// finish makes what is made of the rows: collections, sums, and the numbers from which the
// database goes on.
func (l *loader) finish() error {
	for name, generation := range l.collections {
		if err := l.add("collections", []string{"app", "user", "name", "generation", "count", "bytes"}, name[0], name[1], name[2], generation, int64(0), int64(0)); err != nil {
			return err
		}
	}
	if err := l.send(); err != nil {
		return err
	}
	for _, step := range []struct {
		query string
		args  []any
	}{
		{countCollections, nil},
		{countUsage, []any{logsTurn}},
		{"UPDATE sequence SET value = $1 WHERE id = 1", []any{max(l.version, l.last)}},
		{"UPDATE changes SET revision = revision + 1", nil},
	} {
		if _, err := l.tx.Exec(l.ctx, step.query, step.args...); err != nil {
			return err
		}
	}
	return nil
}

// What an app stores, counted anew. See [storage.RowBytes].
const (
	countCollections = `UPDATE collections AS c SET (count, bytes) = (SELECT count(*), coalesce(sum(octet_length(c.name) + octet_length(d.body)), 0)
		FROM documents AS d WHERE d.app = c.app AND d."user" = c."user" AND d.collection = c.generation)`
	countUsage = `INSERT INTO usage (app, bytes, seq) SELECT app, sum(bytes), max(seq) FROM (
		SELECT app, 64 + octet_length(key) + octet_length(value) AS bytes, 0 AS seq FROM kv
		UNION ALL SELECT app, 64 * count + bytes, 0 FROM collections
		UNION ALL SELECT app, 64 + size + octet_length(path) + octet_length(mime), 0 FROM blobs
		UNION ALL SELECT app, 0, max(seq) FROM documents GROUP BY app
		UNION ALL SELECT $1, 0, coalesce(max(id), 0) FROM logs) AS x GROUP BY app
		ON CONFLICT (app) DO UPDATE SET bytes = excluded.bytes, seq = excluded.seq`
)
