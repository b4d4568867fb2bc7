package auth

import (
	"context"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

// Session is a session as its owner sees it, without what it is worth.
type Session struct {
	ID     string // what it is ended by; not secret
	UserID string
	Email  string // the user's
	Host   string // the one host that it is good on
	Addr   string // the network address that it was made from
	Agent  string // what the browser called itself then
	App    bool   // it was handed over to an app's host, and ends with the one it came from

	CreatedAt time.Time
	LastUsed  time.Time // to the minute
	ExpiresAt time.Time // at the latest; it ends earlier when it is not used
}

// Sessions returns the sessions of a user that are good now, the one used last
// first. An empty userID stands for everybody's.
func (a *Auth) Sessions(ctx context.Context, userID string) ([]Session, error) {
	var list []Session
	now := time.Now()
	err := a.db.Read(ctx, func(tx storage.SQL) error {
		list = nil
		return tx.Query(`SELECT s.id, s.user_id, u.email, s.host, s.addr, s.agent, s.parent_hash IS NOT NULL, s.created_at, s.last_used, s.expires_at
			FROM auth_sessions s JOIN auth_users u ON u.id = s.user_id
			WHERE (? = '' OR s.user_id = ?) AND s.expires_at > ? AND s.last_used > ?
			ORDER BY s.last_used DESC, s.created_at DESC, s.id`,
			[]any{userID, userID, millis(now), millis(now.Add(-a.idle))}, func(scan func(...any) error) error {
				var (
					s                      Session
					created, used, expires int64
				)
				err := scan(&s.ID, &s.UserID, &s.Email, &s.Host, &s.Addr, &s.Agent, &s.App, &created, &used, &expires)
				s.CreatedAt, s.LastUsed, s.ExpiresAt = fromMillis(created), fromMillis(used), fromMillis(expires)
				list = append(list, s)
				return err
			})
	})
	return list, failed("session.list", err)
}

// EndSession ends a user's session and those that were handed over from it. An
// empty userID stands for anybody's whom the context's actor may change: an owner's is
// [CodeForbidden] for an admin. It returns [ErrNotFound] when there is no such session,
// or it is another user's.
func (a *Auth) EndSession(ctx context.Context, userID, id string) error {
	const op = "session.end"
	err := a.db.Write(ctx, func(tx storage.SQL) error {
		var hash, host, of, email string
		err := tx.Query(`SELECT s.token_hash, s.host, u.id, u.email FROM auth_sessions s JOIN auth_users u ON u.id = s.user_id
			WHERE s.id = ? AND (? = '' OR s.user_id = ?)`, []any{id, userID, userID},
			func(scan func(...any) error) error { return scan(&hash, &host, &of, &email) })
		if err != nil {
			return err
		}
		if hash == "" {
			return &Error{Code: CodeNotFound, Op: op, Err: ErrNotFound, Hint: "list the sessions for their ids"}
		}
		if actor := api.ActorFrom(ctx); userID == "" && (actor.Kind != api.ActorUser || actor.ID != of) {
			if _, err := a.userToChange(ctx, tx, op, of); err != nil {
				return err
			}
		}
		if err := deleteSession(tx, hash, host); err != nil {
			return err
		}
		return storage.RecordAudit(tx, api.ActorFrom(ctx), auditSessionEnd, email, sessionEnded{ID: id, Host: host})
	})
	return failed(op, err)
}

// EndOtherSessions ends all sessions of a user but the one with the id keep, and
// those that were handed over from that one. An empty keep ends every session.
func (a *Auth) EndOtherSessions(ctx context.Context, userID, keep string) error {
	err := a.db.Write(ctx, func(tx storage.SQL) error {
		var email string
		err := tx.Query(`SELECT email FROM auth_users WHERE id = ?`, []any{userID},
			func(scan func(...any) error) error { return scan(&email) })
		if err != nil {
			return err
		}
		n, err := endOtherSessions(tx, userID, keep)
		if err != nil || n == 0 {
			return err
		}
		return storage.RecordAudit(tx, api.ActorFrom(ctx), auditSessionEnd, email, sessionEnded{Count: n})
	})
	return failed("session.end", err)
}

// endOtherSessions is [Auth.EndOtherSessions] in a transaction. It returns how many
// it has ended.
func endOtherSessions(tx storage.SQL, userID, keep string) (int64, error) {
	var kept string
	if keep != "" {
		err := tx.Query(`SELECT token_hash FROM auth_sessions WHERE user_id = ? AND id = ?`, []any{userID, keep},
			func(scan func(...any) error) error { return scan(&kept) })
		if err != nil {
			return 0, err
		}
	}
	return tx.Exec(`DELETE FROM auth_sessions WHERE user_id = ? AND token_hash <> ? AND COALESCE(parent_hash, '') <> ?`,
		userID, kept, orNone(kept))
}

// orNone is s, or what no hash is: an own host's session has no parent, and is not
// to be kept for it.
func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
