package auth

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/api"
)

//go:embed pages
var pageFiles embed.FS

// pages are the templates, and the policy that lets their one style sheet in.
type pages struct {
	*template.Template
	styleHash string
	icon      []byte
	script    []byte
}

func parsePages() (*pages, error) {
	css, err := pageFiles.ReadFile("pages/style.css")
	if err != nil {
		return nil, err
	}
	t, err := template.ParseFS(pageFiles, "pages/*.html")
	if err != nil {
		return nil, err
	}
	icon, err := pageFiles.ReadFile("pages/icon.svg")
	if err != nil {
		return nil, err
	}
	// As text of a template it is not looked at again for each page.
	if _, err := t.New("style").Parse(string(css)); err != nil {
		return nil, err
	}
	script, err := pageFiles.ReadFile("pages/passkey.js")
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(css)
	return &pages{t, base64.StdEncoding.EncodeToString(sum[:]), icon, script}, nil
}

// page is what every template gets.
type page struct {
	Title  string
	Host   string // what the visitor signs in to or out of
	Wide   bool   // for lists
	Script bool   // that of passkeys
	Body   any
}

type loginPage struct {
	Host, Email string // Email is that of the session the visitor has
	Continue    bool   // offer to go on with that session
	Fields      []field
	Providers   []button
	Password    bool // somebody can sign in by one
	Passkey     bool // likewise, here
	Form        passwordForm
	URL         string   // of this host, which a command on the data does not know
	Dev         *devPage // in place of the dev provider's button, where it is the only one
}

type button struct{ Label, Href string }

type devPage struct {
	devForm
	Roles  []Role
	Fields []field
	Cancel string
}

type logoutPage struct {
	Email    string // "" when nobody is signed in
	Back     string
	Others   string // address of the own host's log-out, on an app's host
	Sessions string // that of the page of one's sessions, there
	Own      bool
}

// messagePage is a short text, as a page or as JSON.
type messagePage struct {
	Code        string // for those who asked for no page
	Title, Text string
	Link, Label string // a way on; none when Link is ""
}

// Page is a page of a few words: an error, or a welcome.
type Page struct {
	Title, Text string
	Link, Label string // a way on; none when Link is ""
	Command     string // to be typed on the server's machine, or ""
	Detail      string // text to be shown as it is, such as where a program failed
	Status      string // such as "404"
	RequestID   string // by which the log has more
}

// field is a hidden input of a form.
type field struct{ Name, Value string }

func (f flow) fields() []field {
	var list []field
	v := f.values()
	for _, name := range []string{"app", "challenge", "back", "invite", "link"} {
		if v.Has(name) {
			list = append(list, field{name, v.Get(name)})
		}
	}
	return list
}

// host is what a visitor in the flow signs in to.
func (f flow) host(r *http.Request) string {
	if f.forApp() {
		return f.app.Addr
	}
	return r.Host
}

// link is path with the flow in its query.
func (f flow) link(path string) string {
	if q := f.values().Encode(); q != "" {
		return path + "?" + q
	}
	return path
}

// targets are the origins that a form of the flow may lead to. Chromium applies
// form-action to every redirect that follows, so it also stops one that the page
// at the end makes by itself to a site that is not listed.
func (a *Auth) targets(r *http.Request, f flow) []string {
	var list []string
	if f.forApp() {
		list = append(list, a.scheme(r)+f.app.Addr)
	}
	if o := origin(f.back); o != "" {
		list = append(list, o)
	}
	return list
}

func (a *Auth) showLogin(w http.ResponseWriter, r *http.Request, f flow, s *session) {
	a.showLoginForm(w, r, http.StatusOK, f, s, passwordForm{})
}

func (a *Auth) showLoginForm(w http.ResponseWriter, r *http.Request, status int, f flow, s *session, form passwordForm) {
	byPassword, err := a.hasPasswords(r.Context())
	if err != nil {
		a.unavailable(w, r, err)
		return
	}
	byPasskey, err := a.offersPasskey(r)
	if err != nil {
		a.unavailable(w, r, err)
		return
	}
	body := loginPage{Host: f.host(r), URL: a.scheme(r) + a.SiteOf(r).SignIn(), Fields: f.fields(), Password: byPassword, Passkey: byPasskey, Form: form}
	if s != nil {
		body.Email, body.Continue = s.user.Email, true
	}
	for _, p := range a.providers(r) {
		body.Providers = append(body.Providers, button{p.Label, f.link(p.path)})
	}
	if len(body.Providers) == 1 && !body.Password && a.devAllowed(r) { // the one is dev
		dev := newDevPage(f, firstDevForm)
		body.Dev = &dev
	}
	a.render(w, r, status, "login.html", page{Title: "Sign in", Host: body.Host, Script: byPasskey, Body: body}, a.targets(r, f))
}

func newDevPage(f flow, form devForm) devPage {
	return devPage{devForm: form, Roles: []Role{RoleUser, RoleAdmin, RoleOwner}, Fields: f.fields(), Cancel: f.link("/auth/login")}
}

func (a *Auth) showDevForm(w http.ResponseWriter, r *http.Request, status int, f flow, form devForm) {
	a.render(w, r, status, "dev.html", page{Title: "Dev sign-in", Host: f.host(r), Body: newDevPage(f, form)}, a.targets(r, f))
}

func (a *Auth) showLogout(w http.ResponseWriter, r *http.Request, user *User) {
	here := a.SiteOf(r)
	body := logoutPage{Back: a.wayBack(here, r.URL.Query()), Own: here.SignsIn()}
	if user != nil {
		body.Email = user.Email
	}
	if here.Kind == SiteApp {
		body.Others = a.scheme(r) + here.SignIn() + "/auth/logout"
	} else {
		body.Sessions = "/auth/sessions"
	}
	a.render(w, r, http.StatusOK, "logout.html", page{Title: "Log out", Host: r.Host, Body: body}, a.targets(r, flow{back: body.Back}))
}

// message answers with one short text, as a page or as JSON.
func (a *Auth) message(w http.ResponseWriter, r *http.Request, status int, m messagePage) {
	if !WantsPage(r) {
		api.WriteError(w, &api.Error{
			Status: status, Code: m.Code, Message: m.Text, Retryable: status == http.StatusServiceUnavailable,
		})
		return
	}
	a.WritePage(w, r, status, Page{Title: m.Title, Text: m.Text, Link: m.Link, Label: m.Label})
}

// WritePage answers with a page that looks like those of this package. It lets
// nothing but its own style and icon in, and can be framed by nobody. The icon is
// served under /auth/.
func (a *Auth) WritePage(w http.ResponseWriter, r *http.Request, status int, p Page) {
	a.render(w, r, status, "message.html", page{Title: p.Title, Wide: p.Detail != "", Body: p}, nil)
}

// showIcon answers every host: whoever sees a page sees its icon.
func (a *Auth) showIcon(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "image/svg+xml")
	h.Set("Cache-Control", "public, max-age=86400")
	h.Set("Content-Security-Policy", "default-src 'none'")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.pages.icon))
}

// scriptPath is where the script of passkeys is.
const scriptPath = "/auth/passkey.js"

func (a *Auth) showScript(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.pages.script))
}

// scriptPolicy lets that one file of this host run, and ask the server.
func (a *Auth) scriptPolicy(r *http.Request) string {
	return "; script-src " + a.scheme(r) + a.SiteOf(r).Addr + scriptPath + "; connect-src 'self'"
}

// render writes a page whose forms may lead to this host and to targets. It is
// made in memory first, so that a template's failure is not half a page.
func (a *Auth) render(w http.ResponseWriter, r *http.Request, status int, name string, p page, targets []string) {
	var b bytes.Buffer
	if err := a.pages.ExecuteTemplate(&b, name, p); err != nil {
		a.log.ErrorContext(r.Context(), "page was not made", "page", name, "error", err)
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	policy := "default-src 'none'; img-src 'self'; style-src 'sha256-" + a.pages.styleHash +
		"'; form-action " + strings.Join(append([]string{"'self'"}, targets...), " ") + "; base-uri 'none'; frame-ancestors 'none'"
	if p.Script {
		policy += a.scriptPolicy(r)
	}
	h.Set("Content-Security-Policy", policy)
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the only failure is a visitor who has gone
}
