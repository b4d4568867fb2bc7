package auth

import (
	"errors"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

// credentials are what somebody signs in with.
type credentials struct {
	provider string // the way: a provider's name, or "dev"
	identity Identity
	link     string // the id of the user who adds the identity to their own, or ""
	invite   string // a code that is redeemed with it, or ""
	once     string // what is good for one sign-in only, or ""; see [useOnce]
}

func (c credentials) dev() bool { return c.provider == devProvider }

// address is the e-mail address that c gives the user, in lower case: a proven one.
// The dev provider proves nothing, and its users are nobody elsewhere.
func (c credentials) address() string {
	if c.identity.EmailVerified || c.dev() {
		return lowerAddress(c.identity.Email)
	}
	return ""
}

// errAddressTaken says that the address is another user's who has not shown that it
// is theirs: to join the two would give one person's data to another.
var errAddressTaken = errors.New("another user has this e-mail address")

// errLink says that an identity can't be added to a user: it is another's, or the
// user has gone, or is one of the dev provider, who is nobody on a public server
// and must not become somebody by a second identity.
var errLink = errors.New("the account can't be added to this user")

// signedIn is who has signed in.
type signedIn struct {
	User
	created bool
}

// identify finds or makes the user who c belongs to, and returns them as they are
// from now on: the identity's own user, else the one who adds it to theirs, else
// the one who has the same proven address, else a new one.
func (a *Auth) identify(tx storage.SQL, c credentials, addr string, now time.Time) (signedIn, error) {
	in := signedIn{}
	found, err := userOf(tx, c.identity, &in.User)
	if err != nil {
		return in, err
	}
	if !found {
		if found, err = userToJoin(tx, c, &in.User); err != nil {
			return in, err
		}
		if !found {
			in.created = true
			in.User = User{ID: newID(), Role: RoleUser}
		}
		if err := addIdentity(tx, in.ID, c, now); err != nil {
			return in, err
		}
	}
	if c.link != "" && in.ID != c.link {
		return in, errLink
	}
	role, err := a.grantedRole(tx, in, c, addr, now)
	if err != nil {
		return in, err
	}
	if err := updateUser(tx, &in, c, role, addr, now); err != nil {
		return in, err
	}
	return in, nil
}

const userColumns = `id, email, name, picture, role, provider`

func scanUser(u *User) func(scan func(...any) error) error {
	return func(scan func(...any) error) error {
		return scan(&u.ID, &u.Email, &u.Name, &u.Picture, &u.Role, &u.Provider)
	}
}

func userOf(tx storage.SQL, id Identity, u *User) (found bool, err error) {
	err = tx.Query(`SELECT `+userColumns+` FROM auth_users
		WHERE id = (SELECT user_id FROM auth_identities WHERE issuer = ? AND subject = ?)`,
		[]any{id.Issuer, id.Subject}, scanUser(u))
	return u.ID != "", err
}

// userToJoin is the user who an identity that nobody has yet is added to.
func userToJoin(tx storage.SQL, c credentials, u *User) (found bool, err error) {
	switch {
	case c.dev():
		return false, nil
	case c.link != "":
		err := tx.Query(`SELECT `+userColumns+` FROM auth_users WHERE id = ? AND provider <> ?`, []any{c.link, devProvider}, scanUser(u))
		if err == nil && u.ID == "" {
			err = errLink
		}
		return u.ID != "", err
	case c.address() == "":
		return false, nil
	}
	var verified bool
	err = tx.Query(`SELECT `+userColumns+`, email_verified FROM auth_users WHERE email = ? AND provider <> ?`,
		[]any{c.address(), devProvider}, func(scan func(...any) error) error {
			return scan(&u.ID, &u.Email, &u.Name, &u.Picture, &u.Role, &u.Provider, &verified)
		})
	if err == nil && u.ID != "" && !verified {
		err = errAddressTaken
	}
	return u.ID != "", err
}

func addIdentity(tx storage.SQL, userID string, c credentials, now time.Time) error {
	_, err := tx.Exec(`INSERT INTO auth_identities (issuer, subject, user_id, provider, created_at, last_used) VALUES (?, ?, ?, ?, ?, ?)`,
		c.identity.Issuer, c.identity.Subject, userID, c.provider, millis(now), millis(now))
	return err
}

// grantedRole is the role that a user has after signing in with c.
func (a *Auth) grantedRole(tx storage.SQL, in signedIn, c credentials, addr string, now time.Time) (Role, error) {
	if c.identity.Role != "" {
		in.Role = c.identity.Role
	}
	if c.invite == "" {
		return in.Role, nil
	}
	if in.Email == "" {
		in.Email = c.address()
	}
	in.Provider = c.provider
	return a.useInvite(tx, c.invite, in, addr, now)
}

// updateUser writes what has changed of a user by signing in. All of their sessions
// end when the role changes, so that none keeps what it no longer grants.
func updateUser(tx storage.SQL, in *signedIn, c credentials, role Role, addr string, now time.Time) error {
	was := in.Role
	in.Role, in.Provider = role, c.provider
	if c.identity.Name != "" {
		in.Name = c.identity.Name
	}
	if c.identity.Picture != "" {
		in.Picture = c.identity.Picture
	}
	var verified int64
	if address := c.address(); address != "" {
		follows, err := addressFollows(tx, in.User, c)
		if err != nil {
			return err
		}
		if follows {
			in.Email = address
		}
		if in.Email == address && !c.dev() {
			verified = 1
		}
	}
	if in.created {
		_, err := tx.Exec(`INSERT INTO auth_users (`+userColumns+`, created_at, last_login, email_verified) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			in.ID, in.Email, in.Name, in.Picture, string(in.Role), in.Provider, millis(now), millis(now), verified)
		if err != nil {
			return err
		}
		return storage.RecordAudit(tx, actorOf(in.User, addr), auditUserCreate, in.Email, userSignedIn{in.ID, in.Provider, in.Role})
	}
	_, err := tx.Exec(`UPDATE auth_users SET email = ?, name = ?, picture = ?, role = ?, provider = ?, last_login = ?, 
		email_verified = CASE WHEN email_verified > ? THEN email_verified ELSE ? END WHERE id = ?`,
		in.Email, in.Name, in.Picture, string(in.Role), in.Provider, millis(now), verified, verified, in.ID)
	if err != nil || was == in.Role {
		return err
	}
	if was == RoleOwner && !c.dev() {
		if err := keepOwner(tx); err != nil {
			return err
		}
	}
	if _, err = tx.Exec(`DELETE FROM auth_sessions WHERE user_id = ?`, in.ID); err != nil {
		return err
	}
	return storage.RecordAudit(tx, actorOf(in.User, addr), auditUserRole, in.Email, userSignedIn{in.ID, in.Provider, in.Role})
}

// addressFollows reports whether a user's e-mail address becomes that of c. It
// follows an account that has got another one, so that who is given the old address
// next is not taken for the user; but not where the user has several ways to sign
// in, since it would be that of the last, nor where it is somebody else's.
func addressFollows(tx storage.SQL, u User, c credentials) (bool, error) {
	if c.dev() {
		return true, nil
	}
	var ways, others int64
	err := tx.Query(`SELECT (SELECT COUNT(*) FROM auth_identities WHERE user_id = ?) + (SELECT COUNT(*) FROM auth_passwords WHERE user_id = ?),
		(SELECT COUNT(*) FROM auth_users WHERE email = ? AND provider <> ? AND id <> ?)`,
		[]any{u.ID, u.ID, c.address(), devProvider, u.ID}, func(scan func(...any) error) error { return scan(&ways, &others) })
	return others == 0 && (ways <= 1 || u.Email == ""), err
}

// actorOf is a user who acts on their own account.
func actorOf(u User, addr string) api.Actor {
	return api.Actor{Kind: api.ActorUser, ID: u.ID, Name: u.Email, Addr: addr}
}

// ErrLastOwner says that a change would leave the server without an owner.
var ErrLastOwner = errors.New("the server would have no owner left")

// keepOwner returns [ErrLastOwner] where a transaction has left no owner. It is
// called after an owner was demoted or removed. Owners of the dev provider are
// nobody on a public server, so they neither count nor are kept.
func keepOwner(tx storage.SQL) error {
	owners, err := countOwners(tx)
	if err == nil && owners == 0 {
		err = &Error{Code: CodeConflict, Op: "user", Err: ErrLastOwner, Hint: "make somebody else owner first"}
	}
	return err
}
