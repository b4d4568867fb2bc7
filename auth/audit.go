package auth

import (
	"net"
	"net/http"
	"time"
)

// The changes that this package records in the audit log, in the transaction of
// the change. The target is the key's name, or the user's e-mail address.
const (
	auditKeyCreate  = "key.create"  // keyCreated
	auditKeyRevoke  = "key.revoke"  // keyRevoked
	auditUserCreate = "user.create" // userSignedIn: the first sign-in
	auditUserRole   = "user.role"   // userSignedIn: the provider gave another role
	auditSessionEnd = "session.end" // sessionEnded: by its user, or by who manages the server

	auditIdentityRemove = "identity.remove" // identityRemoved
)

// keyCreated, keyRevoked, userSignedIn and sessionEnded are the details of the entries.
type keyCreated struct {
	ID        string    `json:"key_id"`
	Scopes    []string  `json:"scopes"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

type keyRevoked struct {
	ID string `json:"key_id"`
}

type userSignedIn struct {
	ID       string `json:"user_id"`
	Provider string `json:"provider"`
	Role     Role   `json:"role"`
}

// sessionEnded is one session, or how many.
type sessionEnded struct {
	ID    string `json:"session_id,omitempty"`
	Host  string `json:"host,omitempty"`
	Count int64  `json:"count,omitempty"`
}

type identityRemoved struct {
	Provider string `json:"provider"`
}

// addrOf is the network address that r came from, without its port.
func addrOf(r *http.Request) string {
	if ip, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return ip
	}
	return r.RemoteAddr
}
