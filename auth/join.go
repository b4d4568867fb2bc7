package auth

import (
	"errors"
	"net/http"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

// joinForm is what somebody with a code types.
type joinForm struct {
	Email, Name string
	Problem     string // what to mend; "" on the first showing
	Taken       bool   // it is that the address is somebody's: signing in is the way on
}

// joinPage is the page of an invite or a set-up link.
type joinPage struct {
	joinForm
	Setup     bool
	Role      Role
	As        string // the e-mail of the visitor who is signed in and may accept, or ""
	Has       bool   // and has the role already
	Fields    []field
	Providers []button
	SignIn    string // for who has an account already; "" where nobody can have one
	Min       int    // characters of a password
}

// setupPage and invitePage answer /auth/setup/{code} and /auth/invite/{code}.
func (a *Auth) setupPage(w http.ResponseWriter, r *http.Request)  { a.serveJoin(w, r, kindSetup) }
func (a *Auth) invitePage(w http.ResponseWriter, r *http.Request) { a.serveJoin(w, r, kindInvite) }

// serveJoin shows the page of a code, which uses nothing up, or answers its form.
func (a *Auth) serveJoin(w http.ResponseWriter, r *http.Request, kind string) {
	code := r.PathValue("code")
	invite, ok := a.checkCode(w, r, kind, code)
	if !ok {
		return
	}
	values := r.URL.Query()
	if r.Method == http.MethodPost {
		values = r.PostForm
	}
	f, err := a.flow(r, values)
	if err != nil {
		a.badRequest(w, r, err)
		return
	}
	s, err := a.session(r)
	if err != nil {
		a.unavailable(w, r, err)
		return
	}
	if s != nil && kind == kindSetup && s.user.Provider == devProvider {
		s = nil // nobody elsewhere, so no owner
	}
	// Its page names no app, so none may learn by it who accepts.
	f.invite, f.app = code, Site{}
	switch {
	case r.Method != http.MethodPost:
		a.showJoin(w, r, http.StatusOK, f, invite, s, joinForm{})
	case s != nil:
		a.acceptInvite(w, r, f, s)
	default:
		a.joinByPassword(w, r, f, invite)
	}
}

// checkCode finds what a code is for. One that is none, or no more, is answered by
// the same page, and after some of them an address has to wait.
func (a *Auth) checkCode(w http.ResponseWriter, r *http.Request, kind, code string) (Invite, bool) {
	key := bucketKey{perCodes, "", subscriber(addrOf(r))}
	if wait := a.attempts.take(key); wait > 0 {
		a.waitALittle(w, r, wait)
		return Invite{}, false
	}
	invite, err := a.openInvite(r.Context(), kind, code)
	switch {
	case errors.Is(err, errInvite):
		a.noSuchCode(w, r)
		return Invite{}, false
	case err != nil:
		a.attempts.giveBack(key)
		a.unavailable(w, r, err)
		return Invite{}, false
	}
	a.attempts.giveBack(key)
	return invite, true
}

// noSuchCode answers for a code that is unknown, used up, revoked or too old.
func (a *Auth) noSuchCode(w http.ResponseWriter, r *http.Request) {
	a.message(w, r, http.StatusNotFound, messagePage{Code: "NOT_FOUND", Title: "Not found",
		Text: "There is nothing here. A link that somebody gave you may have been used already, or be too old: ask for another."})
}

func (a *Auth) showJoin(w http.ResponseWriter, r *http.Request, status int, f flow, invite Invite, s *session, form joinForm) {
	body := joinPage{joinForm: form, Setup: invite.kind == kindSetup, Role: invite.Role, Min: MinPassword}
	again := InvitePath(f.invite)
	title := "Invitation"
	if body.Setup {
		again, title = SetupPath(f.invite), "Set up this server"
	}
	if s != nil {
		body.As, body.Has = s.user.Email, s.user.Role.Has(invite.Role)
		if body.As == "" {
			body.As = s.user.Name
		}
	}
	back := f
	back.invite = "" // the path has it
	body.Fields = back.fields()
	byPassword, err := a.hasPasswords(r.Context())
	if err != nil {
		a.unavailable(w, r, err)
		return
	}
	for _, p := range a.providers(r) {
		if !body.Setup || p.path != devLoginPath {
			body.Providers = append(body.Providers, button{p.Label, f.link(p.path)})
		}
	}
	if byPassword || len(body.Providers) > 0 {
		body.SignIn = flow{back: again}.link("/auth/login")
	}
	a.render(w, r, status, "join.html", page{Title: title, Host: r.Host, Body: body}, a.targets(r, f))
}

// acceptInvite gives the visitor who is signed in the invite's role.
func (a *Auth) acceptInvite(w http.ResponseWriter, r *http.Request, f flow, s *session) {
	renewed, err := a.renewAs(w, r, func(tx storage.SQL, now time.Time) (User, error) {
		u, err := userByID(tx, s.user.ID)
		if err != nil {
			return u, err
		}
		if !a.isSomebody(u) { // removed while the page was open
			return u, errInvite
		}
		role, err := a.useInvite(tx, f.invite, signedIn{User: u}, addrOf(r), now)
		if err != nil || role == u.Role {
			return u, err
		}
		ctx := api.WithActor(r.Context(), actorOf(u, addrOf(r)))
		err = setRole(ctx, tx, u, role)
		u.Role = role
		return u, err
	})
	switch {
	case errors.Is(err, errInvite):
		a.noSuchCode(w, r)
	case err != nil:
		a.unavailable(w, r, err)
	default:
		a.finish(w, r, f, renewed)
	}
}

// joinByPassword makes a user of whoever has the code.
func (a *Auth) joinByPassword(w http.ResponseWriter, r *http.Request, f flow, invite Invite) {
	form := joinForm{Email: r.PostForm.Get("email"), Name: r.PostForm.Get("name")}
	password := r.PostForm.Get("password")
	again := func(status int, code, text string) {
		form.Problem = text
		if !WantsPage(r) {
			a.message(w, r, status, messagePage{Code: code, Text: text})
			return
		}
		a.showJoin(w, r, status, f, invite, nil, form)
	}
	j := joining{invite: invite, code: f.invite, addr: addrOf(r)}
	if problem := j.read(form, password); problem != "" {
		again(http.StatusUnprocessableEntity, string(CodeInvalid), problem)
		return
	}
	// A code does not make its holder a judge of who has an account here.
	key := bucketKey{perJoin, digest(f.invite), subscriber(addrOf(r))}
	wait := a.attempts.take(key)
	err := tooMany("join", wait)
	if wait == 0 {
		j.hash, err = a.hasher.hash(r.Context(), password)
	}
	var s *session
	if err == nil {
		s, err = a.signInAs(w, r, func(tx storage.SQL, now time.Time) (User, error) { return a.join(tx, j, now) })
	}
	if wait == 0 && !errors.Is(err, errAddressTaken) {
		a.attempts.giveBack(key)
	}
	refused, ok := a.refusal(w, err)
	switch {
	case err == nil:
		a.rememberBrowser(w, r, j.email)
		a.finish(w, r, f, s)
	case errors.Is(err, errAddressTaken):
		form.Taken = true
		again(http.StatusConflict, "EMAIL_TAKEN", "This e-mail address has an account here already. If it is yours, sign in to it and open this link again. Otherwise use another address.")
	case errors.Is(err, errInvite): // somebody was faster
		a.noSuchCode(w, r)
	case ok:
		again(refused.status, refused.code, refused.text)
	default:
		a.unavailable(w, r, err)
	}
}

// joining is somebody who becomes a user by a code and a password.
type joining struct {
	invite      Invite
	code, addr  string
	email, name string
	hash        string // of the password
}

// read takes the form, or says what to mend in it.
func (j *joining) read(form joinForm, password string) (problem string) {
	var ok bool
	if j.email, ok = cleanEmail(form.Email); !ok {
		return "That is not an e-mail address. Try one such as you@example.com."
	}
	if j.name = form.Name; j.name == "" {
		j.name = localPart(j.email)
	}
	if !isText(j.name, 1, 100) {
		return "The name is too long, or has characters that can't be shown. Use 100 characters or fewer."
	}
	return checkPassword(password)
}

// join makes the user in a transaction. Whoever sets the server up has the machine,
// so their address counts as proven, and if it is somebody's they become that
// somebody: it is the way back in for an owner who is locked out.
func (a *Auth) join(tx storage.SQL, j joining, now time.Time) (User, error) {
	var u User
	err := tx.Query(`SELECT `+userColumns+` FROM auth_users WHERE email = ? AND provider <> ?`, []any{j.email, devProvider}, scanUser(&u))
	setup := j.invite.kind == kindSetup
	switch {
	case err != nil:
		return u, err
	case u.ID != "" && !setup:
		return u, errAddressTaken
	case u.ID != "":
		return a.takeOver(tx, j, u, now)
	}
	u = User{ID: newID(), Email: j.email, Name: j.name, Role: RoleUser, Provider: passwordProvider}
	if u.Role, err = a.useInvite(tx, j.code, signedIn{u, true}, j.addr, now); err != nil {
		return u, err
	}
	verified := 0
	if setup {
		verified = 1
	}
	_, err = tx.Exec(`INSERT INTO auth_users (`+userColumns+`, created_at, last_login, email_verified) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		u.ID, u.Email, u.Name, u.Picture, string(u.Role), u.Provider, millis(now), millis(now), verified)
	if err != nil {
		return u, err
	}
	if err := storePassword(tx, u.ID, j.hash, now); err != nil {
		return u, err
	}
	return u, storage.RecordAudit(tx, actorOf(u, j.addr), auditUserCreate, u.Email, userSignedIn{u.ID, u.Provider, u.Role})
}

// takeOver makes a user who is there owner, with the password that was typed. Where
// nobody has shown that the address is the user's, it may be somebody who was invited
// and typed it: their own ways in must not become an owner's.
func (a *Auth) takeOver(tx storage.SQL, j joining, u User, now time.Time) (User, error) {
	role, err := a.useInvite(tx, j.code, signedIn{User: u}, j.addr, now)
	if err != nil {
		return u, err
	}
	changed := role != u.Role
	if changed {
		if err := dropUnproven(tx, u, now); err != nil {
			return u, err
		}
	}
	u.Role, u.Provider = role, passwordProvider
	_, err = tx.Exec(`UPDATE auth_users SET role = ?, provider = ?, last_login = ?, email_verified = 1 WHERE id = ?`,
		string(u.Role), u.Provider, millis(now), u.ID)
	if err != nil {
		return u, err
	}
	if err := storePassword(tx, u.ID, j.hash, now); err != nil {
		return u, err
	}
	if err := endSessions(tx, u.ID); err != nil {
		return u, err
	}
	details := userSignedIn{u.ID, u.Provider, u.Role}
	if changed {
		if err := storage.RecordAudit(tx, actorOf(u, j.addr), auditUserRole, u.Email, details); err != nil {
			return u, err
		}
	}
	return u, storage.RecordAudit(tx, actorOf(u, j.addr), auditPassword, u.Email, details)
}

// dropUnproven takes a user's ways in, and the keys that they made, away unless their
// address is proven.
func dropUnproven(tx storage.SQL, u User, now time.Time) error {
	var verified bool
	err := tx.Query(`SELECT email_verified FROM auth_users WHERE id = ?`, []any{u.ID}, func(scan func(...any) error) error { return scan(&verified) })
	if err != nil || verified {
		return err
	}
	return dropWaysIn(tx, u.ID, now)
}
