package auth

import (
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/api"
)

// maxForm bounds a form's body; the largest has a way back and a few names.
const maxForm = 64 << 10

// route is what a path under /auth/ answers.
type route struct {
	pattern   string // of [http.ServeMux], without a method
	get, post http.HandlerFunc
	ownHost   bool                     // absent on the hosts of apps
	appHost   bool                     // absent on the own host
	exists    func(*http.Request) bool // nil: for every request
}

func (a *Auth) routes() []route {
	return []route{
		{pattern: "/auth/login", get: a.login},
		{pattern: providerPath + "{provider}", get: a.withProvider(a.begin)},
		{pattern: callbackPath + "{provider}", get: a.withProvider(a.callback), ownHost: true},
		{pattern: "/auth/continue", post: a.goOn, ownHost: true},
		{pattern: "/auth/handover", get: a.handover, appHost: true},
		{pattern: sessionPath, get: a.showSession},
		{pattern: "/auth/logout", get: a.askLogout, post: a.logout},
		{pattern: "/auth/password", post: a.passwordLogin, ownHost: true},
		{pattern: "/auth/password/change", post: a.changePassword, ownHost: true},
		{pattern: "/auth/setup/{code}", get: a.setupPage, post: a.setupPage, ownHost: true},
		{pattern: "/auth/invite/{code}", get: a.invitePage, post: a.invitePage, ownHost: true},
		{pattern: devLoginPath, get: a.devLogin, exists: a.devAllowed},
		{pattern: "/auth/sessions", get: a.showSessions},
		{pattern: "/auth/sessions/end", post: a.endSession, ownHost: true},
		{pattern: "/auth/sessions/unlink", post: a.unlinkIdentity, ownHost: true},
		{pattern: registerPath + "/begin", post: a.beginRegister, ownHost: true, exists: a.hasParty},
		{pattern: registerPath, post: a.finishRegister, ownHost: true, exists: a.hasParty},
		{pattern: "/auth/passkey/login/begin", post: a.beginPasskeyLogin, ownHost: true, exists: a.hasParty},
		{pattern: "/auth/passkey/login", post: a.passkeyLogin, ownHost: true, exists: a.hasParty},
		{pattern: "/auth/passkey/remove", post: a.removePasskey, ownHost: true},
		{pattern: scriptPath, get: a.showScript, ownHost: true, exists: a.hasParty},
		{pattern: "/auth/dev/callback", post: a.devCallback, ownHost: true, exists: a.devAllowed},
	}
}

func (a *Auth) newMux() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("/", a.noSuchPage)
	mux.HandleFunc("GET /auth/icon.svg", a.showIcon)
	for _, rt := range a.routes() {
		mux.HandleFunc(rt.pattern, func(w http.ResponseWriter, r *http.Request) { a.serveRoute(w, r, rt) })
	}
	return mux
}

// provider is a button on the sign-in page.
type provider struct {
	Label string
	path  string
}

// providers are those that exist for r.
func (a *Auth) providers(r *http.Request) []provider {
	var list []provider
	active, err := a.active(r.Context())
	if err != nil { // there are other ways to sign in
		a.log.ErrorContext(r.Context(), "the providers were not read", "error", err)
	}
	for _, p := range active {
		list = append(list, provider{Label: "Continue with " + p.Label(), path: providerPath + p.Name()})
	}
	if a.devAllowed(r) {
		list = append(list, provider{Label: "Continue as a dev user", path: devLoginPath})
	}
	return list
}

// ServeHTTP answers /auth/* on any host of the server.
func (a *Auth) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	// Not no-referrer: browsers would then send forms with Origin null, which
	// the check against forgery refuses where Sec-Fetch-Site is missing.
	h.Set("Referrer-Policy", "same-origin")

	a.mux.ServeHTTP(w, r)
}

func (a *Auth) noSuchPage(w http.ResponseWriter, r *http.Request) {
	a.message(w, r, http.StatusNotFound, messagePage{Code: "NOT_FOUND", Title: "Not found", Text: "There is no such page."})
}

func (a *Auth) serveRoute(w http.ResponseWriter, r *http.Request, rt route) {
	here := a.SiteOf(r)
	if here.Kind == SiteElsewhere || rt.ownHost && !here.SignsIn() || rt.appHost && here.Kind != SiteApp ||
		rt.exists != nil && !rt.exists(r) {
		a.noSuchPage(w, r)
		return
	}
	if here.SignIn() == "" && rt.pattern != sessionPath {
		a.message(w, r, http.StatusNotFound, messagePage{Code: "NOT_FOUND", Title: "There is no sign-in at this address",
			Text: "People sign in on the server's own domain, or where it is managed: start it with --domain, or with --admin-addr."})
		return
	}
	handler, allow := rt.handler(r.Method)
	if handler == nil {
		w.Header().Set("Allow", allow)
		a.message(w, r, http.StatusMethodNotAllowed, messagePage{
			Code: "METHOD_NOT_ALLOWED", Title: "That does not work here", Text: "This page answers " + allow + ".",
		})
		return
	}
	if r.Method == http.MethodPost && !a.readForm(w, r) {
		return
	}
	handler(w, r)
}

// handler returns what answers a method, or nil, and the methods that are
// answered.
func (rt route) handler(method string) (h http.HandlerFunc, allow string) {
	switch {
	case rt.get == nil:
		allow = "POST"
	case rt.post == nil:
		allow = "GET, HEAD"
	default:
		allow = "GET, HEAD, POST"
	}
	switch method {
	case http.MethodGet, http.MethodHead:
		return rt.get, allow
	case http.MethodPost:
		return rt.post, allow
	}
	return nil, allow
}

// readForm checks that r's form was sent from this very host, and reads it.
func (a *Auth) readForm(w http.ResponseWriter, r *http.Request) bool {
	if err := a.forgery.Check(r); err != nil {
		a.message(w, r, http.StatusForbidden, messagePage{
			Code:  "CROSS_ORIGIN",
			Title: "Sent from another site",
			Text:  "This form was sent from another site, so nothing was done. Use the form on this one.",
		})
		return false
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		a.message(w, r, http.StatusBadRequest, messagePage{Code: "INVALID_FORM", Title: "That did not work", Text: "The form could not be read. Go back and send it again."})
		return false
	}
	return true
}

func (a *Auth) login(w http.ResponseWriter, r *http.Request) {
	if a.SiteOf(r).Kind == SiteApp {
		a.toOwnHost(w, r, "/auth/login")
		return
	}
	f, err := a.flow(r, r.URL.Query())
	if err != nil {
		a.badRequest(w, r, err)
		return
	}
	s, err := a.session(r)
	if err != nil {
		a.unavailable(w, r, err)
		return
	}
	left := a.cookie(r, leftCookie, isMark) != ""
	if left {
		a.setCookie(w, r, leftCookie, "", 0)
	}
	if s == nil && !left && !r.URL.Query().Has("choose") {
		if only, err := a.onlyWay(r); err != nil {
			a.unavailable(w, r, err)
			return
		} else if only != "" {
			redirect(w, f.link(only))
			return
		}
	}
	a.showLogin(w, r, f, s)
}

// isMark reports whether a cookie that only is there or not is there.
func isMark(value string) bool { return value == "1" }

// onlyWay is the path of the provider by which a visitor can sign in where there is
// nothing else to choose, or "".
func (a *Auth) onlyWay(r *http.Request) (path string, err error) {
	list := a.providers(r)
	if len(list) != 1 || list[0].path == devLoginPath {
		return "", nil
	}
	byPassword, err := a.hasPasswords(r.Context())
	if err != nil || byPassword {
		return "", err
	}
	byPasskey, err := a.offersPasskey(r)
	if err != nil || byPasskey {
		return "", err
	}
	return list[0].path, nil
}

// goOn hands the session that the visitor has over to an app. It is a form and
// not a link, since no app is to learn who visits without being asked to.
func (a *Auth) goOn(w http.ResponseWriter, r *http.Request) {
	f, err := a.flow(r, r.PostForm)
	if err != nil {
		a.badRequest(w, r, err)
		return
	}
	s, err := a.session(r)
	switch {
	case err != nil:
		a.unavailable(w, r, err)
	case s == nil: // it ended while the page was open
		redirect(w, f.link("/auth/login"))
	default:
		a.finish(w, r, f, s)
	}
}

func (a *Auth) showSession(w http.ResponseWriter, r *http.Request) {
	user, err := a.User(r)
	if err != nil {
		a.log.ErrorContext(r.Context(), "session was not read", "error", err)
		api.WriteError(w, &api.Error{
			Status: http.StatusServiceUnavailable, Code: string(CodeUnavailable),
			Message: "the session could not be read; try again", Retryable: true, RetryAfter: time.Second,
		})
		return
	}
	writeSession(w, user)
}

func (a *Auth) askLogout(w http.ResponseWriter, r *http.Request) {
	user, err := a.User(r)
	if err != nil {
		a.unavailable(w, r, err)
		return
	}
	a.showLogout(w, r, user)
}

func (a *Auth) logout(w http.ResponseWriter, r *http.Request) {
	if err := a.SignOut(w, r); err != nil {
		a.unavailable(w, r, err)
		return
	}
	if a.SiteOf(r).SignsIn() {
		a.setCookie(w, r, leftCookie, "1", leftAge)
	}
	if !WantsPage(r) {
		writeSession(w, nil)
		return
	}
	redirect(w, a.wayBack(a.SiteOf(r), r.PostForm))
}

func writeSession(w http.ResponseWriter, user *User) {
	type data struct {
		Authenticated bool  `json:"authenticated"`
		User          *User `json:"user"`
	}
	api.WriteJSON(w, http.StatusOK, struct {
		Data data `json:"data"`
	}{data{user != nil, user}})
}

func (a *Auth) badRequest(w http.ResponseWriter, r *http.Request, err error) {
	a.message(w, r, http.StatusBadRequest, messagePage{Code: "INVALID", Title: "That did not work", Text: sentence(err)})
}

// unavailable answers a failure of the database, and logs what it was.
func (a *Auth) unavailable(w http.ResponseWriter, r *http.Request, err error) {
	a.log.ErrorContext(r.Context(), "sign-in request failed", "path", PublicPath(r.URL.Path), "error", err)
	w.Header().Set("Retry-After", "1")
	a.message(w, r, http.StatusServiceUnavailable, messagePage{
		Code:  "UNAVAILABLE",
		Title: "One moment",
		Text:  "The server could not do this just now. Try again shortly.",
	})
}

// waitALittle answers whoever's network has had too many attempts.
func (a *Auth) waitALittle(w http.ResponseWriter, r *http.Request, wait time.Duration) {
	setRetryAfter(w, wait)
	a.message(w, r, http.StatusTooManyRequests, messagePage{Code: string(CodeRateLimited), Title: "Wait a little",
		Text: "There were too many attempts from your network. Wait " + minutes(wait) + ", then try again."})
}

// setRetryAfter says how long to wait, in whole seconds.
func setRetryAfter(w http.ResponseWriter, d time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(d.Seconds()))))
}

// sentence makes an error's text one: a capital first, a full stop last.
func sentence(err error) string {
	s := err.Error()
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

// origin is the origin of an absolute URL, or "" for a path.
func origin(target string) string {
	u, err := url.Parse(target)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
