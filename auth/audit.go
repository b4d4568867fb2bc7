package auth

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

// The changes that this package records in the audit log, in the transaction of
// the change. The target is the key's name, or the user's e-mail address.
const (
	auditKeyCreate      = "key.create"          // keyCreated
	auditKeyRevoke      = "key.revoke"          // keyRevoked
	auditUserCreate     = "user.create"         // userSignedIn: the first sign-in
	auditUserRole       = "user.role"           // userSignedIn: another role, by a provider, an invite or somebody
	auditUserName       = "user.name"           // userSignedIn
	auditUserRemove     = "user.remove"         // userSignedIn
	auditSignIn         = "user.sign_in"        // userSignedIn
	auditSignInFailed   = "user.sign_in_failed" // signInFailed
	auditPassword       = "user.password"       // userSignedIn: the password was changed
	auditAppRoleSet     = "user.app_role"       // appRoleChanged
	auditAppRoleUnset   = "user.app_role_unset" // appRoleChanged
	auditInviteCreate   = "invite.create"       // inviteChanged
	auditInviteRevoke   = "invite.revoke"       // inviteChanged
	auditInviteUse      = "invite.use"          // inviteChanged
	auditSetupCreate    = "setup.create"        // inviteChanged
	auditSetupUse       = "setup.use"           // inviteChanged
	auditSessionEnd     = "session.end"         // sessionEnded: by its user, or by who manages the server
	auditIdentityRemove = "identity.remove"     // identityRemoved
	auditProviderSet    = "provider.set"        // providerChanged; the target is its name
	auditProviderRemove = "provider.remove"
	auditProviderSeal   = "provider.seal"   // its client secret, that was stored plain, was encrypted
	auditProviderForget = "provider.forget" // its client secret was given up with the key
	auditPasskeyAdd     = "passkey.add"     // passkeyChanged
	auditPasskeyRemove  = "passkey.remove"  // passkeyChanged
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

type signInFailed struct {
	ID       string `json:"user_id,omitempty"` // "": there is no such user
	Provider string `json:"provider"`
	Count    int    `json:"count"` // since the entry before, for the account and address
}

type appRoleChanged struct {
	ID    string `json:"user_id"`
	AppID string `json:"app_id"`
	Role  string `json:"role,omitempty"` // "": all of them
}

// inviteChanged names an invite by its id: the code is a secret.
type inviteChanged struct {
	ID   string `json:"invite_id"`
	Role Role   `json:"role"`
	Uses int    `json:"uses"`
}

// recordUser writes an entry about a user, by whoever acts in ctx.
func recordUser(ctx context.Context, tx storage.SQL, action string, u User) error {
	return storage.RecordAudit(tx, api.ActorFrom(ctx), action, u.Email, userSignedIn{u.ID, u.Provider, u.Role})
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

// providerChanged is a provider as it is then. Its secret is nowhere.
type providerChanged struct {
	Issuer    string `json:"issuer"`
	ClientID  string `json:"client_id"`
	Enabled   bool   `json:"enabled"`
	NewSecret bool   `json:"new_secret"`
}

type passkeyChanged struct {
	ID   string `json:"passkey_id"`
	Name string `json:"name"`
}

// addrOf is the network address that r came from, without its port.
func addrOf(r *http.Request) string {
	if ip, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return ip
	}
	return r.RemoteAddr
}
