package auth

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"slices"
	"strings"
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
	// with, already known to belong to this very Exchange: its state was checked. It
	// has no parameter twice and no "error", and a "code" of up to 4,096 bytes; what
	// lacks one is refused before, as RFC 6749, 4.1.2 has it.
	Identify(ctx context.Context, x Exchange, answer url.Values) (Identity, error)
}

// Exchange is one visit to a provider. Its values are random and used once.
type Exchange struct {
	RedirectURL string // where the provider is to send the browser back to
	State       string // goes there and back (RFC 6749, 10.12)
	Nonce       string // must be in the id_token (OpenID Connect Core, 3.1.2.1)
	Verifier    string // of PKCE (RFC 7636): 43 to 128 characters
	// Ask says that the visitor must be asked there who they go on as, as OpenID
	// Connect's prompt=select_account does: an app sent them here without a click
	// of theirs, and must not learn who visits it by that.
	Ask bool
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

// reserved are names that a provider can't have: [User].Provider has them for
// other ways to sign in.
var reserved = []string{devProvider, "password", "passkey", "setup", "invite"}

// checkName returns what is wrong with a provider's name, or nil.
func checkName(name string) error {
	if len(name) < 1 || len(name) > 32 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return fmt.Errorf("the provider's name %q is not 1 to 32 characters of a-z, 0-9 and hyphen", name)
	}
	if slices.Contains(reserved, name) {
		return fmt.Errorf("the provider's name %q has a meaning of its own; choose another", name)
	}
	return nil
}

// checkProviders returns what is wrong with the providers of the options.
func checkProviders(list []Provider) (errs []error) {
	seen := map[string]bool{}
	for i, p := range list {
		if p == nil {
			errs = append(errs, fmt.Errorf("provider %d of Providers is nil", i))
			continue
		}
		if err := checkName(p.Name()); err != nil {
			errs = append(errs, err)
		}
		if seen[p.Name()] {
			errs = append(errs, fmt.Errorf("two providers are named %q", p.Name()))
		}
		seen[p.Name()] = true
	}
	return errs
}

// maxIdentity bounds an issuer and a subject, in bytes: OpenID Connect Core gives a
// subject 255 of ASCII, and an issuer is a URL.
const maxIdentity = 512

// checked returns id as it may be kept: without an address that is none, and with
// texts of a bounded length. It is an error where the account can't be told by it.
func (id Identity) checked() (Identity, error) {
	if u, err := url.Parse(id.Issuer); err != nil || u.Host == "" || !isText(id.Issuer, 1, maxIdentity) {
		return id, errors.New("the issuer is not an absolute URL")
	}
	if !isText(id.Subject, 1, maxIdentity) {
		return id, errors.New("the subject is missing, too long or not text")
	}
	if id.Role != "" && !id.Role.Valid() {
		return id, fmt.Errorf("there is no role %q", id.Role)
	}
	if !id.EmailVerified || !isAddress(id.Email) {
		id.Email, id.EmailVerified = "", false
	}
	if id.Name = strings.TrimSpace(id.Name); !isText(id.Name, 0, 100) {
		id.Name = ""
	}
	if u, err := url.Parse(id.Picture); err != nil || u.Scheme != "https" || u.Host == "" || !isText(id.Picture, 1, maxBack) {
		id.Picture = ""
	}
	return id, nil
}

// isAddress reports whether s is an e-mail address and nothing beside it.
func isAddress(s string) bool {
	addr, err := mail.ParseAddress(s)
	return err == nil && addr.Address == s && len(s) <= 254
}
