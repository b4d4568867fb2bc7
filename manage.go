package fazt

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/auth"
)

// A Server can be managed by Go, and over HTTP by an [api.Client].
var _ api.Service = (*Server)(nil)

// newManagement makes the handler of the management host.
func (s *Server) newManagement() http.Handler {
	return api.NewHandler(api.HandlerOptions{
		Service: s, Authorize: s.authorize, SignIn: s.signIn, SignOut: s.auth.SignOut, Explain: publicError, NotFound: s.notFound,
		WriteError: s.writeError, Metrics: s.newMetrics(),
		MaxDeploy: s.opt.Deploy.AppBytes, TempDir: s.tempDir(), Stream: s.streamContext, Logger: s.log,
		Failed: func(r *http.Request, id string, err error) {
			s.log.Log(r.Context(), slog.LevelError, "request failed", "request_id", id, "method", r.Method, "path", r.URL.Path, "error", err)
		},
	})
}

// publicError is explain without what a failure inside would tell.
func publicError(err error) *api.Error {
	f := explain(err)
	if f.Status == http.StatusInternalServerError {
		hidden := *f
		hidden.Message = insideMessage
		return &hidden
	}
	return f
}

// serveManagement answers on the management host.
func (s *Server) serveManagement(w http.ResponseWriter, r *http.Request, p string) {
	if s.refuseForged(w, r) {
		return
	}
	if p == "/" {
		s.serveWelcome(w, r)
		return
	}
	if p != r.URL.Path { // ServeMux would redirect
		r = r.Clone(r.Context())
		r.URL.Path, r.URL.RawPath = p, ""
	}
	s.management.ServeHTTP(w, r)
}

// authorize accepts an API key with the scope, or an owner's or admin's session.
func (s *Server) authorize(r *http.Request, scope string) (api.Actor, error) {
	if r.Header.Get("Authorization") != "" {
		key, err := s.auth.CheckKey(r.Context(), auth.BearerToken(r.Header))
		if err != nil {
			return api.Actor{}, err
		}
		if !key.Has(scope) {
			return api.Actor{}, &api.Error{Status: http.StatusForbidden, Code: "FORBIDDEN",
				Message: fmt.Sprintf("this API key lacks the scope %q; make one with: fazt auth key create <name> --scopes %s", scope, scope)}
		}
		s.credentials.add(r)
		return api.Actor{Kind: api.ActorKey, ID: key.ID, Name: key.Name, Addr: remoteIP(r)}, nil
	}
	user, err := s.auth.User(r)
	switch {
	case err != nil:
		return api.Actor{}, err
	case user == nil:
		return api.Actor{}, &api.Error{Status: http.StatusUnauthorized, Code: "UNAUTHORIZED",
			Message: fmt.Sprintf("send an API key as Authorization: Bearer, or sign in; make a key with: fazt auth key create <name> --scopes %s", scope)}
	case !user.Role.Has(auth.RoleAdmin):
		return api.Actor{}, &api.Error{Status: http.StatusForbidden, Code: "FORBIDDEN", Message: "only an owner or admin may do this"}
	}
	s.credentials.add(r)
	return api.Actor{Kind: api.ActorUser, ID: user.ID, Name: user.Email, Addr: remoteIP(r)}, nil
}

// remoteIP is the client's address without its port.
func remoteIP(r *http.Request) string {
	if ip, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return ip
	}
	return r.RemoteAddr
}

// streamContext is the context of an answer that ends with the server, or with
// the Serve that it came through: Shutdown would wait for it otherwise.
func (s *Server) streamContext(request context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(request)
	stopped := context.AfterFunc(s.open, cancel)
	drained := context.AfterFunc(servingOf(request), cancel)
	return ctx, func() {
		stopped()
		drained()
		cancel()
	}
}

// credentials remembers which keys and sessions have opened the management
// lately, by their hashes, so that the rate limiter can tell the owner's requests
// from a stranger's who claims to have a key. There is room for a few hundred.
type credentials struct {
	mu   sync.Mutex
	seen map[[sha256.Size]byte]struct{}
}

const maxCredentials = 256

// credentialOf is the hash of what a request shows of itself, if it shows
// anything.
func credentialOf(r *http.Request) (hash [sha256.Size]byte, ok bool) {
	shown := auth.BearerToken(r.Header)
	if shown == "" {
		for _, c := range r.Cookies() {
			if auth.OwnsCookie(c.Name) {
				shown += c.Name + "=" + c.Value + ";"
			}
		}
	}
	return sha256.Sum256([]byte(shown)), shown != ""
}

// add remembers a request's, forgetting any other when there is no room.
func (c *credentials) add(r *http.Request) {
	hash, ok := credentialOf(r)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = make(map[[sha256.Size]byte]struct{})
	}
	for other := range c.seen {
		if len(c.seen) < maxCredentials {
			break
		}
		delete(c.seen, other)
	}
	c.seen[hash] = struct{}{}
}

func (c *credentials) known(r *http.Request) bool {
	hash, ok := credentialOf(r)
	if !ok {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, seen := c.seen[hash]
	return seen
}
