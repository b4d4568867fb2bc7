package auth

import (
	"context"
	"net/url"
)

// Provider is a way to sign in by another site, which the browser is sent to and
// comes back from, as OpenID Connect and OAuth 2 have it. Its methods are safe for
// concurrent use and honour the context: a provider that hangs must not keep a
// visitor.
type Provider interface {
	// Name stands in paths, /auth/login/<name> and /auth/callback/<name>, and is
	// [User].Provider: 1 to 32 characters of a-z, 0-9 and hyphen.
	Name() string
	// Label names the provider on its button: "Google".
	Label() string
	// AuthURL returns where the browser is sent.
	AuthURL(ctx context.Context, x Exchange) (string, error)
	// Identify returns who has signed in. answer is what the browser came back
	// with, already known to belong to this very Exchange: its state was checked.
	Identify(ctx context.Context, x Exchange, answer url.Values) (Identity, error)
}

// Exchange is one visit to a provider. Its values are random and used once.
type Exchange struct {
	RedirectURL string // where the provider is to send the browser back to
	State       string // goes there and back (RFC 6749, 10.12)
	Nonce       string // must be in the id_token (OpenID Connect Core, 3.1.2.1)
	Verifier    string // of PKCE (RFC 7636): 43 to 128 characters
}

// Identity is what a provider says of who has signed in.
type Identity struct {
	// Issuer and Subject together are the account there: the subject is never
	// given to another person. An issuer is an absolute URL.
	Issuer, Subject string
	// Email is used only if EmailVerified says that the person was shown to have
	// it: then the identity belongs to the user who has that address. Otherwise it
	// is not kept at all.
	Email         string
	EmailVerified bool
	Name, Picture string // for people; Picture is an https URL or ""
	// Role is given to the user when it is not "". Providers of the owner's own
	// choosing, which know it from a directory, set it; the built-in ones never do.
	Role Role
}
