package auth

import (
	"context"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

// The cookies, which get the __Host- prefix on TLS: a browser then takes them
// only from this very host, never from a sibling subdomain.
const (
	sessionCookie = "fazt_session"
	// managementCookie is that of a session where a machine's addresses are managed.
	managementCookie = "fazt_management"
	handoverCookie   = "fazt_handover"
	flowCookie       = "fazt_flow"
	leftCookie       = "fazt_left"
	knownCookie      = "fazt_known" // a browser that has signed in by a password before
	passkeyCookie    = "fazt_passkey"
	// SplitCookie holds a visitor to one target of a split alias. It is not this
	// package's, but no app's either.
	SplitCookie = "fazt_split"
	hostPrefix  = "__Host-"
)

// OwnsCookie reports whether a cookie of that name is one of this package's, however
// it is spelled: browsers compare the prefix in other ways than servers do. A server
// that passes requests on to code it does not trust leaves them out, and does not let
// that code set them.
func OwnsCookie(name string) bool {
	name = strings.TrimPrefix(strings.ToLower(name), strings.ToLower(hostPrefix))
	return slices.Contains([]string{sessionCookie, managementCookie, handoverCookie, knownCookie, flowCookie, leftCookie, passkeyCookie, SplitCookie}, name)
}

func (a *Auth) cookieName(r *http.Request, name string) string {
	if a.secure(r) {
		return hostPrefix + name
	}
	return name
}

// token returns the value of r's cookie, or "". A name that comes twice counts as
// absent: without TLS a sibling host can plant a second one, and the browser does
// not say which is whose. What can't be a token is not counted.
func (a *Auth) token(r *http.Request, name string) string { return a.cookie(r, name, isToken) }

// cookie returns the only value of r's cookie that is valid, or "". It does not
// allocate.
func (a *Auth) cookie(r *http.Request, name string, valid func(string) bool) string {
	secure, found := a.secure(r), ""
	for _, line := range r.Header["Cookie"] {
		for part := range strings.SplitSeq(line, ";") {
			key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			if secure {
				var prefixed bool
				if key, prefixed = strings.CutPrefix(key, hostPrefix); !prefixed {
					continue
				}
			}
			if key != name || !valid(value) {
				continue
			}
			if found != "" {
				return ""
			}
			found = value
		}
	}
	return found
}

func isSet(value string) bool { return value != "" }

// isToken reports whether s could be what newToken returns.
func isToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '2' || c > '7') {
			return false
		}
	}
	return len(s) == tokenLen
}

// setCookie sets a host-only cookie; an empty value removes it.
func (a *Auth) setCookie(w http.ResponseWriter, r *http.Request, name, value string, age time.Duration) {
	c := &http.Cookie{
		Name:     a.cookieName(r, name),
		Value:    value,
		Path:     "/",
		MaxAge:   int(age / time.Second),
		Secure:   a.secure(r),
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// session is a session that is good for the request it came with.
type session struct {
	id   string
	hash string // of its token
	user User
}

// User returns who r's session belongs to, and nil when there is none: no
// cookie, an unknown, revoked or expired session, or one of another host. A session
// is read at most twice a second; one that this Auth ends is refused at once, and
// one that another process ends within a second. The only errors are the database's.
func (a *Auth) User(r *http.Request) (*User, error) {
	s, err := a.session(r)
	if s == nil {
		return nil, err
	}
	u := s.user // the caller's own
	return &u, nil
}

// session returns r's session, which others see too and nobody may change.
func (a *Auth) session(r *http.Request) (*session, error) {
	token := a.token(r, a.sessionCookie(r))
	if token == "" {
		return nil, nil
	}
	site := a.SiteOf(r)
	if site.Kind == SiteElsewhere {
		return nil, nil
	}
	now := time.Now()
	sum := sumOf(token)
	s, clears := a.db.sessions.get(sum, now)
	if s == nil {
		var err error
		if s, err = a.readSession(r.Context(), hex.EncodeToString(sum[:])); s == nil {
			return nil, err
		}
		s.fresh = now.Add(sessionFresh)
		a.db.sessions.put(sum, s, clears)
	}
	ms := millis(now)
	switch {
	case s.host != site.sessions(), ms >= s.deadline, ms >= s.used+a.idle.Milliseconds():
		return nil, nil
	case s.user.Provider == devProvider && !a.dev:
		return nil, nil
	}
	a.uses.session(s.hash, s.used, ms)
	return &s.session, nil
}

// readSession looks a session up, which costs two point reads. It is nil when there
// is none, or its user has a role that is none.
func (a *Auth) readSession(ctx context.Context, hash string) (*storedSession, error) {
	var s storedSession
	err := a.db.Read(ctx, func(tx storage.SQL) error {
		// Two point reads take half the time of one join.
		s = storedSession{session: session{hash: hash}}
		u := &s.user
		err := tx.Query(`SELECT id, user_id, host, last_used, expires_at FROM auth_sessions WHERE token_hash = ?`, []any{hash},
			func(scan func(...any) error) error { return scan(&s.id, &u.ID, &s.host, &s.used, &s.deadline) })
		if err != nil || u.ID == "" {
			return err
		}
		return tx.Query(`SELECT email, name, picture, role, provider FROM auth_users WHERE id = ?`, []any{u.ID},
			func(scan func(...any) error) error { return scan(&u.Email, &u.Name, &u.Picture, &u.Role, &u.Provider) })
	})
	if err != nil {
		return nil, failed("session", err)
	}
	if !s.user.Role.Valid() {
		return nil, nil
	}
	return &s, nil
}

// newSession is a session to be made.
type newSession struct {
	userID   string
	host     string
	parent   string // hash of the own host's session; "" on the own host
	replaces string // hash of the session that the browser had here, or ""
	addr     string // where it was made, for people
	agent    string // by which browser
	renews   bool   // whoever has the one that it replaces did not sign in again
}

// saveSession makes a session with token in place of the one it replaces. Who
// signs in again as the same user stays signed in to their apps.
func (a *Auth) saveSession(tx storage.SQL, n newSession, token string, now int64) error {
	hash := digest(token)
	if _, err := tx.Exec(`DELETE FROM auth_sessions WHERE expires_at <= ?`, now); err != nil {
		return err
	}
	signedIn := now
	if n.renews {
		signedIn = 0
		err := tx.Query(`SELECT signed_in_at FROM auth_sessions WHERE token_hash = ?`, []any{n.replaces},
			func(scan func(...any) error) error { return scan(&signedIn) })
		if err != nil {
			return err
		}
	}
	if n.replaces != "" {
		_, err := tx.Exec(`UPDATE auth_sessions SET parent_hash = ? WHERE parent_hash = ? AND user_id = ?`, hash, n.replaces, n.userID)
		if err != nil {
			return err
		}
		if err := deleteSession(tx, n.replaces, n.host); err != nil {
			return err
		}
	}
	var parent any
	if n.parent != "" {
		parent = n.parent
	}
	_, err := tx.Exec(`INSERT INTO auth_sessions (token_hash, id, user_id, host, parent_hash, addr, agent, created_at, signed_in_at, last_used, expires_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		hash, newID(), n.userID, n.host, parent, n.addr, n.agent, now, signedIn, now, now+a.max.Milliseconds())
	return err
}

// deleteSession ends host's session of that hash and those handed over from it.
func deleteSession(tx storage.SQL, hash, host string) error {
	n, err := tx.Exec(`DELETE FROM auth_sessions WHERE token_hash = ? AND host = ?`, hash, host)
	if err == nil && n > 0 {
		_, err = tx.Exec(`DELETE FROM auth_sessions WHERE parent_hash = ?`, hash)
	}
	return err
}

// signIn gives the browser a new session on the own host, as the user who c
// belongs to. [errUsed], [errInvite], [errAddressTaken], [errLink] and
// [ErrLastOwner] are for a page to explain.
func (a *Auth) signIn(w http.ResponseWriter, r *http.Request, c credentials) (*session, error) {
	return a.signInAs(w, r, func(tx storage.SQL, now time.Time) (User, error) {
		if c.once != "" {
			if err := useOnce(tx, c.once, now.Add(flowAge), now); err != nil {
				return User{}, err
			}
		}
		in, err := a.identify(tx, c, addrOf(r), now)
		return in.User, err
	})
}

// signInAs gives the browser a new session on the own host, as the user whom who
// returns. It may be called again when the transaction has to be.
func (a *Auth) signInAs(w http.ResponseWriter, r *http.Request, who func(tx storage.SQL, now time.Time) (User, error)) (*session, error) {
	return a.makeSession(w, r, a.newSession(r), who)
}

// renewAs is signInAs for a visitor who is signed in, and has not shown anew who
// they are.
func (a *Auth) renewAs(w http.ResponseWriter, r *http.Request, who func(tx storage.SQL, now time.Time) (User, error)) (*session, error) {
	n := a.newSession(r)
	n.renews = true
	return a.makeSession(w, r, n, who)
}

func (a *Auth) makeSession(w http.ResponseWriter, r *http.Request, n newSession, who func(tx storage.SQL, now time.Time) (User, error)) (*session, error) {
	token := newToken()
	var u User
	err := a.change(r.Context(), "sign-in", func(tx storage.SQL, now time.Time) (err error) {
		if u, err = who(tx, now); err != nil {
			return err
		}
		n.userID = u.ID
		if err := a.saveSession(tx, n, token, millis(now)); err != nil {
			return err
		}
		return storage.RecordAudit(tx, actorOf(u, n.addr), auditSignIn, u.Email, userSignedIn{u.ID, u.Provider, u.Role})
	})
	if err != nil {
		return nil, err
	}
	return a.begun(w, r, u, token), nil
}

// newSession is a session for r's browser on r's host, in place of what it has
// there. Whose it is remains to be said.
func (a *Auth) newSession(r *http.Request) newSession {
	return newSession{host: a.SiteOf(r).sessions(), replaces: a.presented(r), addr: addrOf(r), agent: agentOf(r)}
}

// begun tells the browser of a session that was saved.
func (a *Auth) begun(w http.ResponseWriter, r *http.Request, u User, token string) *session {
	a.setCookie(w, r, a.sessionCookie(r), token, a.max)
	a.log.InfoContext(r.Context(), "signed in", "user", u.ID, "provider", u.Provider, "role", u.Role)
	return &session{hash: digest(token), user: u}
}

// agentOf is what r's browser calls itself, for people and cut to 200 bytes.
func agentOf(r *http.Request) string {
	agent := strings.ToValidUTF8(r.UserAgent(), "?")
	return strings.ToValidUTF8(agent[:min(len(agent), 200)], "")
}

// presented is the hash of the session token that r came with, good or not.
func (a *Auth) presented(r *http.Request) string {
	if token := a.token(r, a.sessionCookie(r)); token != "" {
		return digest(token)
	}
	return ""
}

// signOut ends r's session, if it has one. Who only claims to have one costs no write.
func (a *Auth) signOut(ctx context.Context, r *http.Request) error {
	hash := a.presented(r)
	if hash == "" {
		return nil
	}
	host, found := a.SiteOf(r).sessions(), false
	err := a.db.Read(ctx, func(tx storage.SQL) error {
		return tx.Query(`SELECT 1 FROM auth_sessions WHERE token_hash = ? AND host = ?`, []any{hash, host},
			func(func(...any) error) error { found = true; return nil })
	})
	if err != nil || !found {
		return failed("sign-out", err)
	}
	err = a.db.Write(ctx, func(tx storage.SQL) error { return deleteSession(tx, hash, host) })
	return failed("sign-out", err)
}

// SignOut ends the session that r's browser has on r's host, and those of apps that
// came from it. It does not check where r was sent from.
func (a *Auth) SignOut(w http.ResponseWriter, r *http.Request) error {
	if err := a.signOut(r.Context(), r); err != nil {
		return err
	}
	a.setCookie(w, r, a.sessionCookie(r), "", 0)
	return nil
}
