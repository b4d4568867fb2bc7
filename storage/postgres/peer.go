package postgres

import (
	"context"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

const selectPeer = "SELECT name, url, token_secret, is_default, created_at FROM peers "

func peer(scan scanFunc) (storage.Peer, error) {
	var p storage.Peer
	var isDefault, at int64
	err := scan(&p.Name, &p.URL, &p.Token, &isDefault, &at)
	p.Default, p.CreatedAt = isDefault != 0, time.UnixMilli(at)
	return p, err
}

// Peers implements [storage.Peers].
func (s *Store) Peers(ctx context.Context) ([]storage.Peer, error) {
	return list(ctx, s, "peers", peer, selectPeer+"ORDER BY name")
}

// Peer implements [storage.Peers].
func (s *Store) Peer(ctx context.Context, name string) (storage.Peer, error) {
	if name == "" {
		return only(ctx, s, "peer", "no such peer", peer, selectPeer+"WHERE is_default <> 0")
	}
	return only(ctx, s, "peer", "no such peer", peer, selectPeer+"WHERE name = $1", name)
}

const noDefaultPeer = "UPDATE peers SET is_default = 0 WHERE is_default <> 0"

// SetPeer implements [storage.Peers].
func (s *Store) SetPeer(ctx context.Context, p storage.Peer) error {
	const op = "setPeer"
	if err := storage.CheckPeer(op, p); err != nil {
		return err
	}
	return s.change(ctx, op, "peer.set", func(tx *writeTx) (string, any, error) {
		isDefault := 0
		if p.Default {
			isDefault = 1
			if _, err := tx.exec(noDefaultPeer); err != nil {
				return "", nil, err
			}
		}
		_, err := tx.exec(`INSERT INTO peers (name, url, token_secret, is_default, created_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (name) DO UPDATE SET url = excluded.url, token_secret = excluded.token_secret,
			is_default = excluded.is_default, created_at = excluded.created_at`,
			p.Name, p.URL, p.Token, isDefault, time.Now().UnixMilli())
		return p.Name, map[string]any{"url": p.URL, "default": p.Default}, err
	})
}

// SetDefaultPeer implements [storage.Peers].
func (s *Store) SetDefaultPeer(ctx context.Context, name string) error {
	const op = "setDefaultPeer"
	return s.change(ctx, op, "peer.default", func(tx *writeTx) (string, any, error) {
		if _, err := tx.exec(noDefaultPeer); err != nil || name == "" {
			return "", nil, err
		}
		n, err := tx.exec("UPDATE peers SET is_default = 1 WHERE name = $1", name)
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
		n, err := tx.exec("DELETE FROM peers WHERE name = $1", name)
		if err == nil && n == 0 {
			err = errNotFound(op, "no such peer")
		}
		return name, nil, err
	})
}
