package sqlite

import (
	"context"
	"database/sql/driver"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

const selectPeer = "SELECT name, url, token_secret, is_default, created_at FROM peers "

func peer(row []driver.Value) storage.Peer {
	return storage.Peer{
		Name: row[0].(string), URL: row[1].(string), Token: row[2].(string),
		Default: row[3].(int64) != 0, CreatedAt: time.UnixMilli(row[4].(int64)),
	}
}

// Peers implements [storage.Peers].
func (s *Store) Peers(ctx context.Context) ([]storage.Peer, error) {
	return list(ctx, s, "peers", peer, selectPeer+"ORDER BY name")
}

// Peer implements [storage.Peers].
func (s *Store) Peer(ctx context.Context, name string) (storage.Peer, error) {
	return one(ctx, s, "peer", "no such peer", peer, selectPeer+"WHERE name = ?1 OR ?1 = '' AND is_default <> 0", name)
}

// SetPeer implements [storage.Peers].
func (s *Store) SetPeer(ctx context.Context, p storage.Peer) error {
	const op = "setPeer"
	if err := storage.CheckPeer(op, p); err != nil {
		return err
	}
	return s.change(ctx, op, "peer.set", func(tx *writeTx) (string, any, error) {
		if p.Default {
			if _, err := tx.write("UPDATE peers SET is_default = 0 WHERE is_default <> 0"); err != nil {
				return "", nil, err
			}
		}
		_, err := tx.write(`INSERT INTO peers (name, url, token_secret, is_default, created_at) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET url = excluded.url, token_secret = excluded.token_secret,
			is_default = excluded.is_default, created_at = excluded.created_at`,
			p.Name, p.URL, p.Token, p.Default, time.Now().UnixMilli())
		return p.Name, map[string]any{"url": p.URL, "default": p.Default}, err
	})
}

// SetDefaultPeer implements [storage.Peers].
func (s *Store) SetDefaultPeer(ctx context.Context, name string) error {
	const op = "setDefaultPeer"
	return s.change(ctx, op, "peer.default", func(tx *writeTx) (string, any, error) {
		if _, err := tx.write("UPDATE peers SET is_default = 0 WHERE is_default <> 0"); err != nil || name == "" {
			return "", nil, err
		}
		n, err := tx.write("UPDATE peers SET is_default = 1 WHERE name = ?", name)
		if err == nil && n == 0 {
			err = errNotFound(op, "no such peer")
		}
		return name, nil, err
	})
}

// RemovePeer implements [storage.Peers].
func (s *Store) RemovePeer(ctx context.Context, name string) error {
	const op = "removePeer"
	return s.change(ctx, op, "peer.remove", func(tx *writeTx) (string, any, error) {
		n, err := tx.write("DELETE FROM peers WHERE name = ?", name)
		if err == nil && n == 0 {
			err = errNotFound(op, "no such peer")
		}
		return name, nil, err
	})
}
