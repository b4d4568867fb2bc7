package postgres

import (
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// rowBuffer holds the rows of a statement, so that whoever reads them may use the
// connection meanwhile, or has given it back.
type rowBuffer struct {
	fields   []pgconn.FieldDescription
	rows     [][][]byte
	affected int64
	tag      string // the first word
}

// typeMaps are what rows are read by: to make one takes longer than to read a row.
var typeMaps = sync.Pool{New: func() any { return pgtype.NewMap() }}

// gather reads all rows and closes them.
func (s *Store) gather(rows pgx.Rows) (*rowBuffer, error) {
	defer rows.Close()
	b := &rowBuffer{}
	for rows.Next() {
		if b.fields == nil {
			// While the connection is this statement's: after the last row it is somebody
			// else's, with what describes their rows.
			b.fields = append(b.fields, rows.FieldDescriptions()...)
		}
		raw := rows.RawValues()
		size := 0
		for _, v := range raw {
			size += len(v)
		}
		held, row := make([]byte, 0, size), make([][]byte, len(raw))
		for i, v := range raw {
			if v != nil {
				start := len(held)
				held = append(held, v...)
				row[i] = held[start:len(held):len(held)]
			}
		}
		b.rows = append(b.rows, row)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	tag := rows.CommandTag()
	b.affected = tag.RowsAffected()
	b.tag, _, _ = strings.Cut(tag.String(), " ")
	return b, nil
}

// scan stores the columns of a row in variables.
func (b *rowBuffer) scan(i int, dest ...any) error {
	types := typeMaps.Get().(*pgtype.Map)
	defer typeMaps.Put(types)
	return pgx.ScanRow(types, b.fields, b.rows[i], dest...)
}

// each calls fn for every row.
func (b *rowBuffer) each(fn func(scan scanFunc) error) error {
	for i := range b.rows {
		if err := fn(func(dest ...any) error { return b.scan(i, dest...) }); err != nil {
			return err
		}
	}
	return nil
}
