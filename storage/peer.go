package storage

import (
	"context"
	"log/slog"
	"net/url"
	"strings"
	"time"
)

// LocalPeer is a name that no peer has: it stands for the data file itself.
const LocalPeer = "local"

// Peers are the other servers that the command line works on. Every change is
// atomic and leaves a row in the audit log ([Audits]), which has addresses and
// never tokens; an operator's SQL shows none either.
type Peers interface {
	// Peers returns all of them, by name.
	Peers(ctx context.Context) ([]Peer, error)
	// Peer finds one by its name, or [CodeNotFound]. An empty name is the default
	// one.
	Peer(ctx context.Context, name string) (Peer, error)
	// SetPeer stores p, in place of a peer of the same name. One that [CheckPeer]
	// refuses is [CodeInvalid]. With Default set, no other is the default any more.
	SetPeer(ctx context.Context, p Peer) error
	// SetDefaultPeer makes one the default, or for an empty name none. One that does
	// not exist is [CodeNotFound].
	SetDefaultPeer(ctx context.Context, name string) error
	// RemovePeer removes one with its token, or is [CodeNotFound].
	RemovePeer(ctx context.Context, name string) error
}

// Peer is another fazt server.
type Peer struct {
	Name string // a host label, not [LocalPeer]
	URL  string // where its management API answers, without a path's trailing slash
	// Token is an API key of that server. It is stored as it is, since it must be
	// sent: what keeps it is that the data file is its owner's alone.
	Token     string
	Default   bool      // what commands work on that name none
	CreatedAt time.Time // set by SetPeer
}

// String leaves the token out, so that none gets into a log.
func (p Peer) String() string { return p.Name + " " + p.URL }

// LogValue is String: a log in JSON would have every field.
func (p Peer) LogValue() slog.Value { return slog.StringValue(p.String()) }

// CheckPeer returns an [Error], with the field as its Path, unless p is well
// formed.
func CheckPeer(op string, p Peer) error {
	if err := CheckLabel(op, "name", p.Name); err != nil {
		return err
	}
	bad := func(path, msg, hint string) error {
		return &Error{Code: CodeInvalid, Op: op, Path: path, Msg: msg, Hint: hint}
	}
	if p.Name == LocalPeer {
		return bad("name", "stands for the data file itself", "choose another")
	}
	u, err := url.Parse(p.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return bad("url", "is not an address", "give one such as https://admin.example.com")
	case u.User != nil:
		return bad("url", "has a name or a password in it", "leave it out: a token is sent")
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery || strings.HasSuffix(u.Path, "/"):
		return bad("url", "has more than a host and a path", "give one such as https://admin.example.com")
	}
	for i := range len(p.Token) {
		if c := p.Token[i]; c <= ' ' || c > '~' {
			return bad("token", "has a character that no API key has", "give the key alone, as it was printed")
		}
	}
	if p.Token == "" {
		return bad("token", "is empty", "make a key on that server with: fazt auth key create <name> --scopes admin")
	}
	return nil
}
