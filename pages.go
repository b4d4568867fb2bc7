package fazt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/budget"
	"github.com/fazt-sh/fazt/frontdoor"
	"github.com/fazt-sh/fazt/internal/livereload"
	"github.com/fazt-sh/fazt/internal/site"
	"github.com/fazt-sh/fazt/runtime"
)

// writeError answers an error as the client would like it: a page for a person, JSON
// for a program.
func (s *Server) writeError(w http.ResponseWriter, r *http.Request, f *api.Error) {
	if !auth.WantsPage(r) {
		api.WriteError(w, f)
		return
	}
	f.SetHeader(w.Header())
	page := auth.Page{
		Status: strconv.Itoa(f.Status), Title: errorTitle(f.Status), Text: sentence(f.Message),
		RequestID: w.Header().Get(api.RequestIDHeader), Detail: errorDetail(f.Details),
	}
	if page.Detail != "" {
		page.Text = f.Message // it begins with the place in the source
	}
	switch f.Code {
	case "LOGIN_REQUIRED", "UNAUTHORIZED":
		page.Link, page.Label = s.auth.LoginURL(r, comeBack(r)), "Sign in"
	case "FORBIDDEN":
		page.Link, page.Label = s.auth.LoginURL(r, comeBack(r)), "Sign in as somebody else"
	}
	s.writePage(w, r, f.Status, page)
}

// comeBack is the address that a visitor comes back to after signing in: what they
// asked for, with the prefix that an app is mounted under, unless it was a form.
func comeBack(r *http.Request) string {
	if auth.IsNavigation(r) {
		return r.RequestURI
	}
	return "/"
}

// writePage answers with a page in place of what was to be sent, whose headers may
// be there already.
func (s *Server) writePage(w http.ResponseWriter, r *http.Request, status int, page auth.Page) {
	h := w.Header()
	for _, name := range []string{"Content-Encoding", "Content-Length", "Etag", "Last-Modified"} {
		h.Del(name)
	}
	h.Set("Cache-Control", "no-store")
	s.auth.WritePage(w, r, status, page)
}

// errorTitle is an error's status in a few words, for people.
func errorTitle(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "Sign in first"
	case http.StatusForbidden:
		return "This is not for you"
	case http.StatusNotFound:
		return "Not found"
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return "That took too long"
	case http.StatusRequestEntityTooLarge:
		return "That is too large"
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return "One moment"
	case http.StatusInternalServerError:
		return "Something went wrong"
	}
	return "That did not work"
}

// sentence makes an error's text one: a capital first, a full stop last.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}

// errorDetail is where a handler failed, for its author; details have it with
// Options.Dev alone. See writeRunError.
func errorDetail(details map[string]any) string {
	stack, _ := details["stack"].(string)
	console, _ := details["console"].([]string)
	file, _ := details["file"].(string)
	var lines []string
	if file != "" {
		lines = append(lines, fmt.Sprintf("%s:%v:%v", file, details["line"], details["column"]))
	}
	if source, _ := details["source_line"].(string); source != "" {
		line, _ := details["line"].(int)
		column, _ := details["column"].(int)
		at := runtime.Error{Line: line, Column: column, SourceLine: source}
		lines = append(lines, at.Excerpt())
	}
	if stack != "" {
		lines = append(lines, "", strings.TrimRight(stack, "\n"))
	}
	if len(console) > 0 {
		lines = append(append(lines, ""), console...)
	}
	return strings.Join(lines, "\n")
}

// notFound answers 404. It repeats nothing of the request.
func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	s.writeError(w, r, &api.Error{Status: http.StatusNotFound, Code: "NOT_FOUND", Message: "there is nothing at this address"})
}

// writeMethod answers a method that a path does not take.
func (s *Server) writeMethod(w http.ResponseWriter, r *http.Request, text string) {
	w.Header().Set("Allow", "GET, HEAD")
	s.writeError(w, r, &api.Error{Status: http.StatusMethodNotAllowed, Code: "METHOD_NOT_ALLOWED", Message: text})
}

// serveWelcome answers the bare host: the way to the home app, if it is there, or a few words.
func (s *Server) serveWelcome(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.writeMethod(w, r, "use GET or HEAD")
		return
	}
	host := s.auth.SiteOf(r)
	home := host.IsLoopback() && s.opt.Home != ""
	if home {
		labels, err := s.hostLabels(r.Context())
		if _, ok := labels[s.opt.Home]; ok || err != nil {
			http.Redirect(w, r, "http://"+host.AppAddr(s.opt.Home)+"/", http.StatusFound)
			return
		}
	}
	page := auth.Page{
		Title:   "fazt is running",
		Text:    "Deploy a directory, and it answers at " + scheme(r) + host.AppAddr("my-app"), // no full stop after an address
		Command: "fazt app deploy <dir> --name my-app",
		Link:    "/auth/login", Label: "Sign in",
	}
	if host.AppAddr("my-app") == "" { // an address has no names below it
		page.Text = "Deploy a directory under the name root, and it answers at this machine's address."
		page.Command = "fazt app deploy <dir> --name root"
	}
	if home {
		page.Text = "The app that is named " + s.opt.Home + " answers here, once it is deployed."
		page.Command = "fazt app deploy <dir> --name " + s.opt.Home
	}
	// Whoever has just logged out, or become the owner, comes here and sees it.
	if user, err := s.auth.User(r); err == nil && user != nil {
		page.Link, page.Label = "/auth/sessions", "Your sign-ins"
	}
	s.writePage(w, r, http.StatusOK, page)
}

// writeHome answers the domain itself, and the machine's addresses, as long as there is
// no app for them.
func (s *Server) writeHome(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.writeMethod(w, r, "use GET or HEAD")
		return
	}
	name := s.home()
	s.writePage(w, r, http.StatusOK, auth.Page{
		Title: "Welcome", Text: "This is a fazt server. The app that is named " + name + " answers here, once it is deployed.",
		Command: "fazt app deploy <dir> --name " + name,
	})
}

// scheme is how the browser reached the server.
func scheme(r *http.Request) string {
	if frontdoor.IsSecure(r) {
		return "https://"
	}
	return "http://"
}

// failuresOnly passes errors on to [slog.Default], as that is at the time, and drops
// all else: the log of a program that has not said where to log.
type failuresOnly struct {
	derived []func(slog.Handler) slog.Handler // WithAttrs and WithGroup, in order
}

func (failuresOnly) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelError && slog.Default().Enabled(ctx, level)
}

func (f failuresOnly) Handle(ctx context.Context, r slog.Record) error {
	h := slog.Default().Handler()
	for _, derive := range f.derived {
		h = derive(h)
	}
	return h.Handle(ctx, r)
}

func (f failuresOnly) WithAttrs(attrs []slog.Attr) slog.Handler {
	return f.with(func(h slog.Handler) slog.Handler { return h.WithAttrs(attrs) })
}

func (f failuresOnly) WithGroup(name string) slog.Handler {
	return f.with(func(h slog.Handler) slog.Handler { return h.WithGroup(name) })
}

func (f failuresOnly) with(derive func(slog.Handler) slog.Handler) slog.Handler {
	return failuresOnly{append(f.derived[:len(f.derived):len(f.derived)], derive)}
}

// isDeveloper reports whether a request is to have what Options.Dev adds.
func (s *Server) isDeveloper(r *http.Request) bool { return s.opt.Dev && s.auth.IsDeveloper(r) }

// ownURL is where the server's own paths are, for a page of r's app.
func ownURL(r *http.Request) string { return scheme(r) + r.Host + mountPrefix(r) + site.OwnPrefix }

// versionOf names the version of an app that answers.
func versionOf(a *app) string { return a.info.ID + "@" + strconv.Itoa(a.info.Current.Version) }

// serveDev answers what the script in an app's pages asks for. It reports false, and has
// not answered, for any other request.
func (s *Server) serveDev(w *answer, r *http.Request, app, version, p string) bool {
	if r.Method != http.MethodGet || !s.isDeveloper(r) {
		return false
	}
	kind := w.kind
	w.kind = kindOther // its time says nothing of the app
	switch strings.TrimPrefix(p, site.OwnPrefix) {
	case livereload.ScriptName:
		livereload.ServeScript(w)
	case livereload.StreamName:
		ctx, cancel := s.streamContext(r.Context())
		defer cancel()
		s.dev.Serve(ctx, w, app, version, s.store.Changed(w.since))
	default:
		w.kind = kind
		return false
	}
	return true
}

// serveUndeployed answers for an app whose first deploy has failed, by why. It reports
// false, and has not answered, where there is none, and for any but its developer.
func (s *Server) serveUndeployed(w *answer, r *http.Request, app, p string) bool {
	problem := s.dev.Deploy(app)
	if problem == nil || !s.isDeveloper(r) {
		return false
	}
	if s.serveDev(w, r, app, "", p) {
		return true
	}
	page := livereload.NewPage(w.ResponseWriter, ownURL(r), "")
	w.ResponseWriter = page
	defer page.Close()
	s.writeError(w, r, &api.Error{Status: http.StatusServiceUnavailable, Code: "NOT_DEPLOYED", Message: app + " could not be deployed yet: " + problem.Message})
	return true
}

// noteDeploy tells the pages of an app how a deploy of it went.
func (s *Server) noteDeploy(ctx context.Context, name string, made *api.Deployment, err error) {
	switch {
	case !s.opt.Dev || ctx.Err() != nil:
	case err == nil:
		s.dev.Deployed(made.App)
	default:
		if name, cleanErr := site.CleanName(name); cleanErr == nil {
			s.dev.DeployFailed(name, problemOf(name+" could not be deployed", err, nil))
		}
	}
}

// noteRun tells the pages of an app how a request to its handler ended.
func (s *Server) noteRun(r *http.Request, a *app, p string, result *runtime.Result, err error) {
	if !s.opt.Dev {
		return
	}
	request := r.Method + " " + p
	e, failed := errors.AsType[*runtime.Error](err)
	switch {
	case err == nil:
		s.dev.RunEnded(a.info.Name, request)
	case failed && e.Code != runtime.CodeCanceled:
		problem := problemOf(request+" failed", err, result)
		if auth.IsNavigation(r) {
			problem.Page = r.RequestURI
		}
		s.dev.RunFailed(a.info.Name, request, problem)
	}
}

// problemOf is what a developer is shown of an error.
func problemOf(title string, err error, result *runtime.Result) livereload.Problem {
	p := livereload.Problem{Title: title, Message: strings.TrimPrefix(err.Error(), ErrInvalidApp.Error()+": ")}
	if e, ok := errors.AsType[*runtime.Error](err); ok {
		p.Message, p.Excerpt, p.Stack = explainRun(e).Message, e.Excerpt(), e.Stack
	}
	if result != nil && len(result.Log) > 0 {
		p.Console = consoleLines(result.Log)
	}
	return p
}

// logRequest has Options.Logger know of a request that is over.
func (s *Server) logRequest(w *answer, r *http.Request) {
	if w.app == nil || w.kind == kindOther || !s.log.Enabled(r.Context(), slog.LevelDebug) {
		return
	}
	attrs := []any{"source", "request", "app", w.app.name, "request_id", w.Header().Get(api.RequestIDHeader),
		"method", r.Method, "path", auth.PublicPath(r.URL.Path), "status", max(w.status, http.StatusOK), "duration", time.Since(w.start)}
	if b := w.budget; b != nil {
		attrs = append(attrs, "cpu", b.Spent(budget.Compute), "storage", b.Spent(budget.StorageRead)+b.Spent(budget.StorageWrite),
			"operations", b.Operations())
	}
	s.log.Debug("answered", attrs...)
}
