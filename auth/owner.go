package auth

import (
	"context"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

// RequireOwner refuses ([CodeForbidden]) whoever acts in a context, unless it is on an
// owner's authority: a user, an API key that an owner or the machine's owner made, or
// the program itself. what is for people: "only an owner may ...".
func (a *Auth) RequireOwner(ctx context.Context, op, what string) error {
	return failed(op, a.db.Read(ctx, func(tx storage.SQL) error {
		power, err := a.powerOf(tx, api.ActorFrom(ctx))
		if err == nil && power != RoleOwner {
			err = forbidden(op, "only an owner may "+what)
		}
		return err
	}))
}

// Reread has everything read again that was read before: somebody else than this Auth
// has written to its tables.
func (a *Auth) Reread() {
	a.db.sessions.clear()
	a.stored.expire()
}
