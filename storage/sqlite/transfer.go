package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/transfer"
)

// dumps are the statements that read the tables of [transfer.Tables], in the columns
// that these have, but for docs and logs, whose rows get their ranks on the way.
var dumps = map[string]string{
	"sequence":       "SELECT value FROM sequence",
	"contents":       "SELECT hash, encoding, size, touched_at FROM contents ORDER BY hash, encoding",
	"content_chunks": "SELECT c.hash, c.encoding, k.n, k.data FROM contents c JOIN chunks k ON k.content = c.id ORDER BY c.hash, c.encoding, k.n",
	"blob_chunks":    "SELECT b.app, b.user, b.path, k.n, k.data FROM blobs b JOIN chunks k ON k.content = b.body ORDER BY b.app, b.user, b.path, k.n",
	"indexes":        "SELECT app, collection, field, automatic, used_at FROM indexes WHERE state <> 'dropped' ORDER BY app, collection, field",
	"logs":           "SELECT app, at, level, text, request_id FROM logs ORDER BY id",
}

// File is the path of a data file that no process has open, or that is only read.
type File string

// Dump implements [transfer.Source], in one read transaction.
func (f File) Dump(ctx context.Context, put transfer.Put) (err error) {
	c, err := openExisting("dump", string(f))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if _, err := c.exec("BEGIN"); err != nil {
		return wrap("dump", err)
	}
	defer c.exec("ROLLBACK") // there is nothing to keep
	return dump{c}.Dump(ctx, put)
}

// dump reads what a connection sees.
type dump struct{ conn *conn }

func (d dump) Dump(ctx context.Context, put transfer.Put) error {
	for _, t := range transfer.Tables {
		var err error
		switch query := dumps[t.Name]; {
		case t.Name == "docs":
			err = d.documents(ctx, t, put)
		case t.Name == "logs":
			err = d.ranked(ctx, query, nil, func(n int64, row []any) error {
				// Lines of an earlier fazt may have a NUL, which not every database can hold.
				row[3] = strings.ReplaceAll(row[3].(string), "\x00", "\ufffd")
				return put(t, append([]any{n}, row...))
			})
		case query != "":
			err = d.ranked(ctx, query, nil, func(_ int64, row []any) error { return put(t, row) })
		default:
			err = d.plain(ctx, t, put)
		}
		if err != nil {
			return wrap("dump", err)
		}
	}
	others, err := d.others(ctx)
	if err != nil {
		return wrap("dump", err)
	}
	for _, t := range others {
		if err := d.plain(ctx, t, put); err != nil {
			return wrap("dump", err)
		}
	}
	return nil
}

// plain reads a table that has the columns.
func (d dump) plain(ctx context.Context, t *transfer.Table, put transfer.Put) error {
	query := "SELECT " + columnList(t) + " FROM " + quoteName(t.Name)
	return d.ranked(ctx, query, nil, func(_ int64, row []any) error { return put(t, row) })
}

// ranked calls row with each row and its rank, from 0.
func (d dump) ranked(ctx context.Context, query string, args []any, row func(n int64, values []any) error) error {
	n := int64(0)
	var values []any
	return d.conn.query(ctx, query, args, func(stored []driver.Value) error {
		values = values[:0]
		for _, v := range stored {
			values = append(values, v)
		}
		n++
		return row(n-1, values)
	})
}

// documents reads the collections one by one, each in the order of its documents.
func (d dump) documents(ctx context.Context, t *transfer.Table, put transfer.Put) error {
	var collections [][]any
	if err := d.ranked(ctx, "SELECT app, user, name, generation FROM collections ORDER BY app, user, name", nil, func(_ int64, row []any) error {
		collections = append(collections, slices.Clone(row))
		return nil
	}); err != nil {
		return err
	}
	for _, c := range collections {
		const query = "SELECT id, body, created_at, updated_at FROM documents WHERE app = ? AND user = ? AND collection = ? ORDER BY seq"
		if err := d.ranked(ctx, query, []any{c[0], c[1], c[3]}, func(n int64, row []any) error {
			return put(t, append([]any{c[0], c[1], c[2], n}, row...))
		}); err != nil {
			return err
		}
	}
	return nil
}

// others are the tables of other packages, with their columns, by name.
func (d dump) others(ctx context.Context) (tables []*transfer.Table, err error) {
	fresh, err := openMemory()
	if err != nil {
		return nil, err
	}
	defer fresh.close()
	for _, step := range schema {
		if _, err := fresh.exec(step); err != nil {
			return nil, err
		}
	}
	own, err := objects(ctx, fresh)
	if err != nil {
		return nil, err
	}
	have, err := objects(ctx, d.conn)
	if err != nil {
		return nil, err
	}
	for _, o := range have {
		if o.kind != "table" || slices.ContainsFunc(own, func(x object) bool { return x.name == o.name }) {
			continue
		}
		t := &transfer.Table{Name: o.name}
		if err := d.conn.query(ctx, "SELECT name FROM pragma_table_info(?) ORDER BY name", []any{o.name}, func(row []driver.Value) error {
			t.Columns = append(t.Columns, row[0].(string))
			return nil
		}); err != nil {
			return nil, err
		}
		tables = append(tables, t)
	}
	slices.SortFunc(tables, func(a, b *transfer.Table) int { return strings.Compare(a.Name, b.Name) })
	return tables, nil
}

func columnList(t *transfer.Table) string {
	quoted := make([]string, len(t.Columns))
	for i, name := range t.Columns {
		quoted[i] = quoteName(name)
	}
	return strings.Join(quoted, ", ")
}

// Upgrade brings a data file that no process has open up to date, with the tables of
// other packages.
func Upgrade(ctx context.Context, path string, modules ...Module) error {
	s, err := Open(ctx, path, Options{})
	if err != nil {
		return err
	}
	for _, m := range modules {
		err = errors.Join(err, s.Migrate(ctx, m.Name, m.Steps))
	}
	return errors.Join(err, s.Close())
}

// NewFile is the path of a data file that is not there yet, and the other packages
// that are to keep tables in it.
type NewFile struct {
	Path    string
	Modules []Module
}

// Load implements [transfer.Sink]: it makes the file. After an error there is none.
func (f NewFile) Load(ctx context.Context, fill func(transfer.Put) error, check func(transfer.Source) error) (err error) {
	const op = "load"
	if err := refuseExisting(op, f.Path, "give the name of a new file"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			removeDatabase(f.Path)
		}
	}()
	if err := Upgrade(ctx, f.Path, f.Modules...); err != nil {
		return err
	}
	c, err := openConn(f.Path, "mode", "rw")
	if err != nil {
		return wrap(op, err)
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if _, err := c.exec("BEGIN IMMEDIATE"); err != nil {
		return wrap(op, err)
	}
	l := loader{conn: c, contents: make(map[[2]string]int64), blobs: make(map[[3]string]int64), inserts: make(map[*transfer.Table]string)}
	if err := fill(l.put); err != nil {
		return wrap(op, err)
	}
	if err := l.finish(); err != nil {
		return wrap(op, err)
	}
	if err := check(dump{c}); err != nil {
		return wrap(op, err)
	}
	_, err = c.exec("COMMIT")
	return wrap(op, err)
}

// loader makes rows of what is put.
type loader struct {
	conn     *conn
	last     int64               // number given out
	version  int64               // the last of a key's
	contents map[[2]string]int64 // numbers of bodies by hash and encoding
	blobs    map[[3]string]int64 // and by app, user and path
	inserts  map[*transfer.Table]string
}

func (l *loader) next() int64 { l.last++; return l.last }

func (l *loader) put(t *transfer.Table, v []any) error {
	switch t.Name {
	case "contents":
		id := l.next()
		l.contents[[2]string{v[0].(string), v[1].(string)}] = id
		return l.insert("INSERT INTO contents (id, hash, encoding, size, touched_at) VALUES (?, ?, ?, ?, ?)", id, v[0], v[1], v[2], v[3])
	case "content_chunks":
		return l.chunk(l.contents[[2]string{v[0].(string), v[1].(string)}], v[2], v[3])
	case "blobs":
		id := l.next()
		l.blobs[[3]string{v[0].(string), v[1].(string), v[2].(string)}] = id
		return l.insert("INSERT INTO blobs (app, user, path, body, size, mime, hash, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			v[0], v[1], v[2], id, v[3], v[4], v[5], v[6])
	case "blob_chunks":
		return l.chunk(l.blobs[[3]string{v[0].(string), v[1].(string), v[2].(string)}], v[3], v[4])
	case "docs":
		return l.insert("INSERT INTO docs (app, user, collection, seq, id, body, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			v[0], v[1], v[2], l.next(), v[4], v[5], v[6], v[7])
	case "logs":
		return l.insert("INSERT INTO logs (app, at, level, text, request_id) VALUES (?, ?, ?, ?, ?)", v[1:]...)
	case "indexes":
		// Built by the store that opens the file.
		return l.insert("INSERT INTO indexes (id, app, collection, field, state, built_user, built_seq, automatic, used_at) VALUES (?, ?, ?, ?, 'building', '', 0, ?, ?)",
			append([]any{l.next()}, v...)...)
	case "sequence":
		l.version = v[0].(int64)
		return nil
	}
	query, ok := l.inserts[t]
	if !ok {
		query = fmt.Sprintf("INSERT INTO %s (%s) VALUES (?%s)", quoteName(t.Name), columnList(t), strings.Repeat(", ?", len(t.Columns)-1))
		l.inserts[t] = query
	}
	return l.insert(query, v...)
}

func (l *loader) insert(query string, args ...any) error {
	_, err := l.conn.exec(query, args...)
	return err
}

func (l *loader) chunk(body int64, n, data any) error {
	if body == 0 {
		return &storage.Error{Code: storage.CodeFormat, Msg: "a piece of a body came before the body"}
	}
	return l.insert("INSERT INTO chunks (content, n, data) VALUES (?, ?, ?)", body, n, data)
}

// finish has the file go on where the store before it was: no version is given out
// twice, and programs see that everything is new.
func (l *loader) finish() error {
	if err := l.insert("UPDATE sequence SET value = ? WHERE id = 1", max(l.last, l.version)); err != nil {
		return err
	}
	return l.insert("UPDATE changes SET revision = revision + 1")
}
