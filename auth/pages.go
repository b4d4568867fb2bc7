package auth

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"

	"github.com/fazt-sh/fazt/api"
)

//go:embed pages
var pageFiles embed.FS

// pages are the templates, and the policy that lets their one style sheet in.
type pages struct {
	*template.Template
	style     template.CSS
	styleHash string
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
	sum := sha256.Sum256(css)
	return &pages{t, template.CSS(css), base64.StdEncoding.EncodeToString(sum[:])}, nil
}

// page is what every template gets.
type page struct {
	Title string
	Host  string // what the visitor signs in to or out of
	Style template.CSS
	Body  any
}

type loginPage struct {
	Host, Email string // Email is that of the session the visitor has
	Continue    bool   // offer to go on with that session
	Fields      []field
	Providers   []button
}

type button struct{ Label, Href string }

type devPage struct {
	devForm
	Roles  []Role
	Fields []field
	Cancel string
}

type logoutPage struct {
	Email  string // "" when nobody is signed in
	Back   string
	Others string // address of the own host's log-out, on an app's host
	Own    bool
}

type messagePage struct {
	Code        string // for those who asked for no page
	Title, Text string
	Link, Label string // a way on; none when Link is ""
}

// field is a hidden input of a form.
type field struct{ Name, Value string }

func (f flow) fields() []field {
	var list []field
	v := f.values()
	for _, name := range []string{"app", "challenge", "back"} {
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
	body := loginPage{Host: f.host(r), Fields: f.fields()}
	if s != nil {
		body.Email, body.Continue = s.user.Email, true
	}
	for _, p := range a.providers(r) {
		body.Providers = append(body.Providers, button{p.Label, f.link(p.path)})
	}
	a.render(w, r, http.StatusOK, "login.html", page{Title: "Sign in", Host: body.Host, Body: body}, a.targets(r, f))
}

func (a *Auth) showDevForm(w http.ResponseWriter, r *http.Request, status int, f flow, form devForm) {
	body := devPage{devForm: form, Roles: []Role{RoleUser, RoleAdmin, RoleOwner}, Fields: f.fields(), Cancel: f.link("/auth/login")}
	a.render(w, r, status, "dev.html", page{Title: "Dev sign-in", Host: f.host(r), Body: body}, a.targets(r, f))
}

func (a *Auth) showLogout(w http.ResponseWriter, r *http.Request, user *User) {
	here := a.Site(r.Host)
	body := logoutPage{Back: a.wayBack(here, r.URL.Query()), Own: here.SignsIn()}
	if user != nil {
		body.Email = user.Email
	}
	if here.Kind == SiteApp {
		body.Others = a.scheme(r) + here.SignIn() + "/auth/logout"
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
	a.render(w, r, status, "message.html", page{Title: m.Title, Body: m}, nil)
}

// render writes a page whose forms may lead to this host and to targets. It is
// made in memory first, so that a template's failure is not half a page.
func (a *Auth) render(w http.ResponseWriter, r *http.Request, status int, name string, p page, targets []string) {
	p.Style = a.pages.style
	var b bytes.Buffer
	if err := a.pages.ExecuteTemplate(&b, name, p); err != nil {
		a.log.ErrorContext(r.Context(), "page was not made", "page", name, "error", err)
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+a.pages.styleHash+
		"'; form-action "+strings.Join(append([]string{"'self'"}, targets...), " ")+"; base-uri 'none'; frame-ancestors 'none'")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the only failure is a visitor who has gone
}
