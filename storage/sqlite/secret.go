package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql/driver"
	"slices"

	"github.com/fazt-sh/fazt/storage"
)

// Secret implements [storage.Secrets].
func (s *Store) Secret(ctx context.Context, name string) ([]byte, error) {
	const op, get = "secret", "SELECT key_secret FROM keys WHERE name = ?"
	if err := storage.CheckKey(op, "name", name); err != nil {
		return nil, err
	}
	found, err := list(ctx, s, op, func(row []driver.Value) []byte { return row[0].([]byte) }, get, name)
	if err != nil || len(found) > 0 {
		return slices.Concat(found...), err
	}
	fresh := make([]byte, 32)
	rand.Read(fresh)
	var kept []byte
	err = s.writer.do(ctx, "", op, func(tx *writeTx) error {
		if _, err := tx.write("INSERT INTO keys (name, key_secret) VALUES (?, ?) ON CONFLICT DO NOTHING", name, fresh); err != nil {
			return err
		}
		row, err := tx.conn.queryRow(get, name)
		if err == nil {
			kept = row[0].([]byte)
		}
		return err
	})
	if err != nil {
		return nil, wrap(op, err)
	}
	return kept, nil
}
