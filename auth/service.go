package auth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
)

type userKey struct{}

// UserFrom is who is signed in, for what is behind [Auth.RequireUser] or
// [Auth.RequireRole]; elsewhere it is nil. Nobody may change it.
func UserFrom(ctx context.Context) *User {
	u, _ := ctx.Value(userKey{}).(*User)
	return u
}

// RequireUser is middleware that lets in whoever is signed in; next finds them by
// [UserFrom]. Anybody else is sent to the sign-in page and comes back from it, if they
// follow a link in a browser, and gets 401 LOGIN_REQUIRED as JSON if not. It works
// wherever the Auth answers /auth/ on the same host.
//
// What next does for a request that changes something is not checked for having been
// sent by another site's page; wrap it in a [http.CrossOriginProtection].
func (a *Auth) RequireUser(next http.Handler) http.Handler { return a.RequireRole(RoleUser, next) }

// RequireRole is [Auth.RequireUser] for users with a role, or one that includes it.
// A user without it gets 403 FORBIDDEN.
func (a *Auth) RequireRole(role Role, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, err := a.User(r)
		switch {
		case err != nil:
			a.unavailable(w, r, err)
		case u.HasRole(role):
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userKey{}, u)))
		case u != nil:
			w.Header().Set("Cache-Control", "no-store")
			a.message(w, r, http.StatusForbidden, messagePage{
				Code: "FORBIDDEN", Title: "This is not for you", Text: "This needs the role " + string(role) + ".",
				Link: a.LoginURL(r, pathOf(r)), Label: "Sign in as somebody else",
			})
		case IsNavigation(r):
			w.Header().Set("Cache-Control", "no-store")
			redirect(w, a.LoginURL(r, pathOf(r)))
		default:
			w.Header().Set("Cache-Control", "no-store")
			a.message(w, r, http.StatusUnauthorized, messagePage{
				Code: "LOGIN_REQUIRED", Title: "Sign in first", Text: "Sign in first.", Link: a.LoginURL(r, "/"), Label: "Sign in",
			})
		}
	})
}

// pathOf is what r's sender asked for, with what [http.StripPrefix] took off it.
func pathOf(r *http.Request) string {
	if u, err := url.ParseRequestURI(r.RequestURI); err == nil && u.Host == "" {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}

// serviceProvider is the provider of users whom the program itself has signed in.
const serviceProvider = "service"

// SignIn gives r's browser a session on r's host as id's user, for a program that has
// found out by itself who its visitor is. The user is made at their first sign-in. id
// needs an Issuer, an absolute URL that stands for the program's directory of users,
// and a Subject that is never given to another person; see [Identity] for the rest.
//
// Call it for a request that the program knows to be meant: a form of its own pages,
// checked by [http.CrossOriginProtection]. [CodeInvalid] says what is wrong with id,
// or that r's host has no sessions; [CodeConflict] that id's e-mail address is
// another user's who has not shown that it is theirs.
func (a *Auth) SignIn(w http.ResponseWriter, r *http.Request, id Identity) (*User, error) {
	const op = "sign-in"
	u, err := url.Parse(id.Issuer)
	switch {
	case err != nil || u.Scheme == "" || u.Host == "" || len(id.Issuer) > 255:
		err = errors.New("the Issuer must be an absolute URL, such as https://people.example.com")
	case !isText(id.Subject, 1, 255):
		err = errors.New("the Subject is empty, longer than 255 characters or has control characters")
	case id.Role != "" && !id.Role.Valid():
		err = errors.New("the Role must be owner, admin or user, or empty to leave it as it is")
	case !isText(id.Name, 0, 100), !isText(id.Email, 0, 254):
		err = errors.New("the Name or the Email is too long or has control characters")
	case a.SiteOf(r).Kind == SiteElsewhere:
		err = errors.New("the request's host is not one of this server's")
	}
	if err != nil {
		return nil, &Error{Code: CodeInvalid, Op: op, Err: err}
	}
	s, err := a.signIn(w, r, credentials{provider: serviceProvider, identity: id})
	if errors.Is(err, errAddressTaken) {
		return nil, &Error{Code: CodeConflict, Op: op, Err: err, Hint: "let them sign in the way they did before"}
	}
	if err != nil {
		return nil, err
	}
	user := s.user
	return &user, nil
}
