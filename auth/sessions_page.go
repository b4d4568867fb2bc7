package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

// sessionsPage is where somebody sees where they are signed in, and by what.
type sessionsPage struct {
	Host     string
	User     User
	Sessions []sessionRow
	Others   bool // there is more than the present one
	Linked   []linkedRow
	Add      []button // providers that are not linked yet
	Passkeys *passkeysPart
	Password bool   // the user has one, and may change it
	Min      int    // characters of a new one
	Done     string // what was just done
	Problem  string // or why it was not
}

type sessionRow struct {
	ID, Host, Addr, Device, Used string
	Since                        time.Time
	This                         bool
}

// linkedRow is an account at a provider that signs the user in.
type linkedRow struct {
	Label, Issuer, Subject string
	Since                  time.Time
	Removable              bool // it is not the only way in
}

// visitor answers who is signed in on the own host. Without anybody it sends the
// browser to sign in, and with a failure it says so; ok is false for both.
func (a *Auth) visitor(w http.ResponseWriter, r *http.Request) (s *session, ok bool) {
	s, err := a.session(r)
	switch {
	case err != nil:
		a.unavailable(w, r, err)
	case s != nil:
		return s, true
	case IsNavigation(r):
		redirect(w, a.LoginURL(r, ""))
	case WantsPage(r):
		redirect(w, a.LoginURL(r, "/auth/sessions"))
	default:
		a.message(w, r, http.StatusUnauthorized, messagePage{Code: "LOGIN_REQUIRED", Text: "Sign in first."})
	}
	return nil, false
}

func (a *Auth) showSessions(w http.ResponseWriter, r *http.Request) {
	if here := a.SiteOf(r); here.Kind == SiteApp {
		redirect(w, a.scheme(r)+here.SignIn()+"/auth/sessions")
		return
	}
	if s, ok := a.visitor(w, r); ok {
		a.writeSessions(w, r, http.StatusOK, s, "")
	}
}

// writeSessions writes the page, with what did not work if anything didn't.
func (a *Auth) writeSessions(w http.ResponseWriter, r *http.Request, status int, s *session, problem string) {
	body := sessionsPage{Host: r.Host, User: s.user, Done: doneTexts[r.URL.Query().Get("done")], Problem: problem}
	sessions, err := a.Sessions(r.Context(), s.user.ID)
	if err != nil {
		a.unavailable(w, r, err)
		return
	}
	now := time.Now()
	for _, o := range sessions {
		body.Sessions = append(body.Sessions, sessionRow{
			ID: o.ID, Host: o.Host, Addr: o.Addr, Device: device(o.Agent), Used: ago(now.Sub(o.LastUsed)), Since: o.CreatedAt, This: o.ID == s.id,
		})
	}
	body.Others = len(sessions) > 1
	body.Min = MinPassword
	if body.Password, err = a.hasPassword(r.Context(), s.user.ID); err != nil {
		a.unavailable(w, r, err)
		return
	}
	if err := a.addLinked(r, &body); err != nil {
		a.unavailable(w, r, err)
		return
	}
	if body.Passkeys, err = a.passkeysPart(r, s); err != nil {
		a.unavailable(w, r, err)
		return
	}
	a.render(w, r, status, "sessions.html",
		page{Title: "Your sign-ins", Host: r.Host, Wide: true, Script: body.Passkeys.Offer, Body: body}, nil)
}

// doneTexts says what was done, by the word for it in the page's query.
var doneTexts = map[string]string{
	"end":       "The session was ended.",
	"others":    "All other sessions were ended.",
	"password":  "The password was changed, and all other sessions were ended.",
	"link":      "The account was added. You can sign in by it from now on.",
	"unlink":    "The account was removed. It does not sign you in any more.",
	"passkey":   "The passkey was added. You can sign in by it from now on.",
	"unpasskey": "The passkey was removed. It does not sign you in any more; your device may still show it until you remove it there.",
}

// addLinked fills in which providers sign the user in, and which could.
func (a *Auth) addLinked(r *http.Request, body *sessionsPage) error {
	labels := make(map[string]string) // of the providers there are, by name
	for _, p := range a.providers(r) {
		if name, ok := strings.CutPrefix(p.path, providerPath); ok {
			labels[name] = p.Label
		}
	}
	ways := 0
	err := a.db.Read(r.Context(), func(tx storage.SQL) (err error) {
		body.Linked = nil
		err = tx.Query(`SELECT issuer, subject, provider, created_at FROM auth_identities
			WHERE user_id = ? AND issuer LIKE '%://%' ORDER BY created_at, issuer, subject`, []any{body.User.ID},
			func(scan func(...any) error) error {
				var (
					row     linkedRow
					name    string
					created int64
				)
				err := scan(&row.Issuer, &row.Subject, &name, &created)
				row.Since = fromMillis(created)
				row.Label = strings.TrimPrefix(cmp.Or(labels[name], name), "Continue with ")
				delete(labels, name)
				body.Linked = append(body.Linked, row)
				return err
			})
		if err == nil {
			ways, err = waysIn(tx, body.User.ID)
		}
		return err
	})
	for i := range body.Linked {
		body.Linked[i].Removable = ways > 1
	}
	for _, p := range a.providers(r) {
		if name, ok := strings.CutPrefix(p.path, providerPath); ok && labels[name] != "" {
			label := "Add " + strings.TrimPrefix(p.Label, "Continue with ")
			body.Add = append(body.Add, button{Label: label, Href: p.path + "?link=1&back=%2Fauth%2Fsessions%3Fdone%3Dlink"})
		}
	}
	return failed("identities", err)
}

// providerPath is what stands before a provider's name where signing in by it begins.
const providerPath = "/auth/login/"

// sessionPath answers who is signed in.
const sessionPath = "/auth/session"

// waysIn is how many ways a user has to sign in: accounts at providers, a password,
// passkeys. The last one must not be removed.
func waysIn(tx storage.SQL, userID string) (n int, err error) {
	err = tx.Query(`SELECT (SELECT COUNT(*) FROM auth_identities WHERE user_id = ? AND issuer LIKE '%://%') +
		(SELECT COUNT(*) FROM auth_passwords WHERE user_id = ?) + (SELECT COUNT(*) FROM auth_passkeys WHERE user_id = ?)`,
		[]any{userID, userID, userID}, func(scan func(...any) error) error { return scan(&n) })
	return n, err
}

func (a *Auth) endSession(w http.ResponseWriter, r *http.Request) {
	s, ok := a.visitor(w, r)
	if !ok {
		return
	}
	ctx := a.acting(r, s)
	id, done := r.PostForm.Get("session"), "end"
	var err error
	if id == "others" {
		done = id
		err = a.EndOtherSessions(ctx, s.user.ID, s.id)
	} else {
		err = a.EndSession(ctx, s.user.ID, id)
	}
	switch {
	case errors.Is(err, ErrNotFound):
		a.writeSessions(w, r, http.StatusNotFound, s, "That session has ended already.")
	case err != nil:
		a.unavailable(w, r, err)
	case id == s.id:
		redirect(w, "/auth/logout") // which says that nobody is signed in
	default:
		redirect(w, "/auth/sessions?done="+done)
	}
}

// acting is r's context with its user as who acts.
func (a *Auth) acting(r *http.Request, s *session) context.Context {
	return api.WithActor(r.Context(), actorOf(s.user, addrOf(r)))
}

func (a *Auth) unlinkIdentity(w http.ResponseWriter, r *http.Request) {
	s, ok := a.visitor(w, r)
	if !ok {
		return
	}
	err := a.RemoveIdentity(a.acting(r, s), s.user.ID, r.PostForm.Get("issuer"), r.PostForm.Get("subject"))
	switch {
	case errors.Is(err, ErrNotFound):
		a.writeSessions(w, r, http.StatusNotFound, s, "That account is not yours any more.")
	case errors.Is(err, ErrLastWayIn):
		a.writeSessions(w, r, http.StatusConflict, s, "That account is your only way in. Add another one first.")
	case err != nil:
		a.unavailable(w, r, err)
	default:
		redirect(w, "/auth/sessions?done=unlink")
	}
}

// ErrLastWayIn says that a user could not sign in any more.
var ErrLastWayIn = errors.New("it is the user's only way to sign in")

// RemoveIdentity takes an account at a provider off a user, whom it does not sign in
// any more. It returns [ErrNotFound], or [ErrLastWayIn] unless there is another
// account, a password or a passkey.
func (a *Auth) RemoveIdentity(ctx context.Context, userID, issuer, subject string) error {
	const op = "identity.remove"
	err := a.db.Write(ctx, func(tx storage.SQL) error {
		var provider, email string
		err := tx.Query(`SELECT i.provider, u.email FROM auth_identities i JOIN auth_users u ON u.id = i.user_id
			WHERE i.issuer = ? AND i.subject = ? AND i.user_id = ?`, []any{issuer, subject, userID},
			func(scan func(...any) error) error { return scan(&provider, &email) })
		switch {
		case err != nil:
			return err
		case provider == "":
			return &Error{Code: CodeNotFound, Op: op, Err: ErrNotFound}
		}
		ways, err := waysIn(tx, userID)
		if err != nil {
			return err
		}
		if ways < 2 {
			return &Error{Code: CodeConflict, Op: op, Err: ErrLastWayIn, Hint: "add another way first"}
		}
		if _, err := tx.Exec(`DELETE FROM auth_identities WHERE issuer = ? AND subject = ?`, issuer, subject); err != nil {
			return err
		}
		return storage.RecordAudit(tx, api.ActorFrom(ctx), auditIdentityRemove, email, identityRemoved{provider})
	})
	return failed(op, err)
}

// browsers and systems are what is looked for in what a browser calls itself, the
// more telling first: most call themselves by others' names, too.
var (
	browsers = [][2]string{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"},
		{"Chrome/", "Chrome"}, {"CriOS/", "Chrome"}, {"Safari/", "Safari"},
	}
	systems = [][2]string{
		{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"}, {"Mac OS X", "Mac"}, {"CrOS", "ChromeOS"},
		{"Linux", "Linux"},
	}
)

// device is what a browser calls itself, for people.
func device(agent string) string {
	find := func(known [][2]string) string {
		for _, k := range known {
			if strings.Contains(agent, k[0]) {
				return k[1]
			}
		}
		return ""
	}
	browser, system := find(browsers), find(systems)
	switch {
	case browser != "" && system != "":
		return browser + " on " + system
	case agent == "":
		return "Unknown browser"
	}
	return agent
}

// ago is how long ago something was, for people.
func ago(d time.Duration) string {
	count := func(n time.Duration, unit string) string {
		if n == 1 {
			return "1 " + unit + " ago"
		}
		return fmt.Sprintf("%d %ss ago", n, unit)
	}
	switch day := 24 * time.Hour; {
	case d < 2*time.Minute:
		return "just now"
	case d < time.Hour:
		return count(d/time.Minute, "minute")
	case d < day:
		return count(d/time.Hour, "hour")
	default:
		return count(d/day, "day")
	}
}
