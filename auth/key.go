package auth

import (
	"context"
	"crypto/subtle"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

// keyPrefix begins every key, so that one can be told from other secrets.
const keyPrefix = "fzt_"

// Key describes an API key. The secret is not part of it: it is shown once,
// when the key is made.
type Key struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Scopes    []string  `json:"scopes"`     // sorted
	CreatedBy string    `json:"created_by"` // a user's id, or "" for the machine's owner
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // zero: never
	LastUsed  time.Time `json:"last_used,omitzero"`  // to the minute; zero: not yet
	RevokedAt time.Time `json:"revoked_at,omitzero"` // zero: it is not
}

// Has reports whether the key may do what scope is for: it is among its scopes,
// or it is one of [api.Scopes] and the key has [api.ScopeAdmin].
func (k Key) Has(scope string) bool {
	return slices.Contains(k.Scopes, scope) || slices.Contains(api.Scopes(), scope) && slices.Contains(k.Scopes, api.ScopeAdmin)
}

// CreateKey makes a key and returns its token, fzt_<id>_<secret>, which cannot
// be had again. Name is for people, 1 to 100 characters; expires is zero for
// never. A bad argument is [CodeInvalid]. The key may do what the user who made it
// may, and nothing once they are neither owner nor admin.
func (a *Auth) CreateKey(ctx context.Context, name string, wanted []string, expires time.Time) (string, Key, error) {
	const op = "key.create"
	now := time.Now()
	name = strings.TrimSpace(name)
	wanted = slices.Compact(slices.Sorted(slices.Values(wanted)))
	if err := checkKey(name, wanted, expires, now); err != nil {
		return "", Key{}, &Error{Code: CodeInvalid, Op: op, Err: err}
	}
	key := Key{ID: newID(), Name: name, Scopes: wanted, CreatedAt: fromMillis(millis(now))}
	var until any
	if !expires.IsZero() {
		key.ExpiresAt = fromMillis(millis(expires))
		until = millis(expires)
	}
	secret := newToken()
	err := a.db.Write(ctx, func(tx storage.SQL) (err error) {
		power, err := a.powerOf(tx, api.ActorFrom(ctx))
		if err != nil {
			return err
		}
		if !power.Has(RoleAdmin) {
			return forbidden(op, "only an owner or admin may make keys")
		}
		if key.CreatedBy, err = userOfActor(tx, api.ActorFrom(ctx)); err != nil {
			return err
		}
		_, err = tx.Exec(`INSERT INTO api_keys (id, name, secret_hash, scopes, user_id, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			key.ID, key.Name, digest(secret), strings.Join(wanted, " "), key.CreatedBy, millis(now), until)
		if err != nil {
			return err
		}
		return storage.RecordAudit(tx, api.ActorFrom(ctx), auditKeyCreate, key.Name, keyCreated{key.ID, key.Scopes, key.ExpiresAt})
	})
	if err != nil {
		return "", Key{}, failed(op, err)
	}
	return keyPrefix + key.ID + "_" + secret, key, nil
}

func checkKey(name string, wanted []string, expires, now time.Time) error {
	if !isText(name, 1, 100) {
		return fmt.Errorf("the name is empty, longer than 100 characters or has control characters; give one such as \"laptop\"")
	}
	if len(wanted) == 0 {
		return fmt.Errorf("a key without scopes is good for nothing; give some of %s", strings.Join(api.Scopes(), ", "))
	}
	for _, s := range wanted {
		if !slices.Contains(api.Scopes(), s) {
			return fmt.Errorf("there is no scope %q; use %s", s, strings.Join(api.Scopes(), ", "))
		}
	}
	if !expires.IsZero() && !expires.After(now) {
		return fmt.Errorf("the expiry %s has passed; give a later one", expires.Format(time.RFC3339))
	}
	return nil
}

// BearerToken returns what a request is authorised by, for [Auth.CheckKey]: the
// token of an Authorization header with the scheme Bearer, or "". The scheme's
// case does not matter (RFC 9110, 11.1).
func BearerToken(h http.Header) string {
	scheme, token, _ := strings.Cut(h.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// CheckKey returns the key that token belongs to, or [ErrKey]. Any other error
// is the database's.
func (a *Auth) CheckKey(ctx context.Context, token string) (Key, error) {
	const op = "key.check"
	refused := &Error{Code: CodeUnauthorized, Op: op, Err: ErrKey, Hint: "make one with: fazt auth key create"}
	rest, ok := strings.CutPrefix(token, keyPrefix)
	if !ok {
		return Key{}, refused
	}
	id, secret, ok := strings.Cut(rest, "_")
	if !ok || len(secret) != tokenLen {
		return Key{}, refused
	}
	found, err := a.keys(ctx, op, `WHERE k.id = ?`, id)
	if err != nil {
		return Key{}, err
	}
	if len(found) == 0 || subtle.ConstantTimeCompare([]byte(found[0].hash), []byte(digest(secret))) == 0 {
		return Key{}, refused
	}
	key, now := found[0].Key, time.Now()
	if !key.RevokedAt.IsZero() || !key.ExpiresAt.IsZero() && !now.Before(key.ExpiresAt) || !a.standsFor(found[0]) {
		return Key{}, refused
	}
	var last int64
	if !key.LastUsed.IsZero() {
		last = millis(key.LastUsed)
	}
	a.uses.key(key.ID, last, millis(now))
	return key, nil
}

// standsFor reports whether the user who made a key may still do what keys do.
func (a *Auth) standsFor(k storedKey) bool {
	return k.CreatedBy == "" || k.maker.Role.Has(RoleAdmin) && a.isSomebody(k.maker)
}

// Keys returns every key, oldest first, those that have expired or were revoked
// too.
func (a *Auth) Keys(ctx context.Context) ([]Key, error) {
	found, err := a.keys(ctx, "key.list", `ORDER BY k.created_at, k.id`)
	keys := make([]Key, len(found))
	for i, k := range found {
		keys[i] = k.Key
	}
	return keys, err
}

// RevokeKey makes a key invalid at once and for ever. It returns [ErrNotFound]
// for an unknown id, and [CodeForbidden] where an admin would end an owner's; a key
// that was revoked before stays as it is.
func (a *Auth) RevokeKey(ctx context.Context, id string) error {
	const op = "key.revoke"
	err := a.db.Write(ctx, func(tx storage.SQL) error {
		var (
			name, maker string // name is never "" in a key
			role        Role   // of its maker
			revoked     bool
		)
		err := tx.Query(`SELECT k.name, k.user_id, COALESCE(u.role, ''), k.revoked_at IS NOT NULL
			FROM api_keys k LEFT JOIN auth_users u ON u.id = k.user_id WHERE k.id = ?`, []any{id},
			func(scan func(...any) error) error { return scan(&name, &maker, &role, &revoked) })
		if maker == "" { // it was made on the machine, which is its owner's
			role = RoleOwner
		}
		switch {
		case err != nil:
			return err
		case name == "":
			return &Error{Code: CodeNotFound, Op: op, Err: ErrNotFound, Hint: "list the keys for their ids"}
		case revoked:
			return nil
		}
		if err := a.checkEnd(ctx, tx, op, role); err != nil {
			return err
		}
		if _, err := tx.Exec(`UPDATE api_keys SET revoked_at = ? WHERE id = ?`, millis(time.Now()), id); err != nil {
			return err
		}
		return storage.RecordAudit(tx, api.ActorFrom(ctx), auditKeyRevoke, name, keyRevoked{id})
	})
	return failed(op, err)
}

type storedKey struct {
	Key
	hash  string
	maker User // as far as it matters; zero for the machine's owner and for who is gone
}

func (a *Auth) keys(ctx context.Context, op, where string, args ...any) ([]storedKey, error) {
	var found []storedKey
	err := a.db.Read(ctx, func(tx storage.SQL) error {
		found = nil
		return tx.Query(`SELECT k.id, k.name, secret_hash, scopes, user_id, COALESCE(u.role, ''), COALESCE(u.provider, ''), k.created_at,
			COALESCE(expires_at, 0), COALESCE(last_used, 0), COALESCE(revoked_at, 0)
			FROM api_keys k LEFT JOIN auth_users u ON u.id = k.user_id `+where, args,
			func(scan func(...any) error) error {
				var (
					k                               storedKey
					list                            string
					created, expires, used, revoked int64
				)
				err := scan(&k.ID, &k.Name, &k.hash, &list, &k.CreatedBy, &k.maker.Role, &k.maker.Provider, &created, &expires, &used, &revoked)
				k.Scopes = strings.Fields(list)
				k.CreatedAt, k.ExpiresAt = fromMillis(created), fromMillis(expires)
				k.LastUsed, k.RevokedAt = fromMillis(used), fromMillis(revoked)
				found = append(found, k)
				return err
			})
	})
	return found, failed(op, err)
}
