package api

import (
	"net/http"
)

// What an API key must have for a route; a session needs the role of admin.
const (
	ScopeOpen   = ""       // nothing: the route is for everybody
	ScopeDeploy = "deploy" // put apps on the server, and remove them
	ScopeRead   = "read"   // read what the management API shows
	ScopeSQL    = "sql"    // run SQL
	ScopeAdmin  = "admin"  // everything; it can make keys, so less would be pretence
)

// Scopes are all that a key can have, sorted.
func Scopes() []string { return []string{ScopeAdmin, ScopeDeploy, ScopeRead, ScopeSQL} }

// Route is one operation of the management API.
type Route struct {
	Method  string
	Pattern string // of [http.ServeMux]
	Scope   string // one of the Scope constants
	Summary string // what it does, for people
	// Answer is a value of the type that the answer has as its data; nil when it
	// is not JSON.
	Answer any

	serve func(*handler, http.ResponseWriter, *http.Request) error
}

// Routes is every operation of the management API. What answers, what a caller
// must have, and what is documented all come from here.
func Routes() []Route {
	return []Route{
		{"GET", "/health", ScopeOpen, "whether the server is there", Health{}, (*handler).health},
		{"GET", "/api/health", ScopeOpen, "whether the server is there", Health{}, (*handler).health},
		{"GET", "/api/system/limits", ScopeRead, "the limits in force", Limits{}, (*handler).limits},
		{"GET", "/api/system/stats", ScopeRead, "what the server is doing", Stats{}, (*handler).stats},
		{"GET", "/metrics", ScopeRead, "the statistics for Prometheus, as text", nil, (*handler).metrics},
		{"POST", "/api/deploy", ScopeDeploy, "deploy an app: a form with site_name, file (a ZIP) and spa", Deployment{}, (*handler).deploy},
		{"GET", "/api/apps", ScopeRead, "the deployed apps", []App{}, (*handler).apps},
		{"GET", "/api/apps/{app}", ScopeRead, "one app, by name or id: what it stores, and what it is charged", AppInfo{}, (*handler).appInfo},
		{"DELETE", "/api/apps/{app}", ScopeDeploy, "remove an app; its data, too, without keep_data=1", Removed{}, (*handler).removeApp},
		{"GET", "/api/apps/{app}/logs", ScopeRead, "lines of an app's log: limit, after, before, since, level, grep; with follow=1 as server-sent events", []LogLine{}, (*handler).logs},
		{"GET", "/api/logs", ScopeRead, "the same of all apps, or of those that app= names", []LogLine{}, (*handler).logs},
		{"PUT", "/api/apps/{app}/roles/{user}", ScopeAdmin, "give a user a role in one app: {\"role\"}", Granted{}, (*handler).setAppRole},
		{"DELETE", "/api/apps/{app}/roles/{user}", ScopeAdmin, "take it away: the query's role, or all", Granted{}, (*handler).removeAppRole},
		{"GET", "/api/users", ScopeRead, "the users, oldest first: offset, limit", []User{}, (*handler).users},
		{"GET", "/api/users/{user}", ScopeRead, "one user, by id or e-mail", User{}, (*handler).user},
		{"PUT", "/api/users/{user}", ScopeAdmin, "change a user: {\"name\", \"role\"}", User{}, (*handler).changeUser},
		{"DELETE", "/api/users/{user}", ScopeAdmin, "remove a user", Gone{}, (*handler).removeUser},
		{"GET", "/api/users/me", ScopeRead, "the user who asks", User{}, (*handler).me},
		{"GET", "/api/me", ScopeRead, "the user who asks", User{}, (*handler).me},
		{"GET", "/api/invites", ScopeRead, "the invites", []Invite{}, (*handler).invites},
		{"POST", "/api/invites", ScopeAdmin, "invite people: {\"role\", \"uses\", \"expires_at\"}", Invite{}, (*handler).makeInvite},
		{"DELETE", "/api/invites/{id}", ScopeAdmin, "end an invite", Gone{}, (*handler).revokeInvite},
		{"GET", "/api/keys", ScopeRead, "the API keys, without their secrets", []Key{}, (*handler).keys},
		{"POST", "/api/keys", ScopeAdmin, "make an API key: {\"name\", \"scopes\", \"expires_at\"}", Key{}, (*handler).makeKey},
		{"DELETE", "/api/keys/{id}", ScopeAdmin, "revoke an API key", Gone{}, (*handler).revokeKey},
		{"GET", "/api/auth/providers", ScopeRead, "the providers that people sign in by, without their secrets", []Provider{}, (*handler).providers},
		{"PUT", "/api/auth/providers/{name}", ScopeAdmin, "make or change a provider: {\"issuer\", \"client_id\", \"client_secret\", \"enabled\"}", Provider{}, (*handler).setProvider},
		{"DELETE", "/api/auth/providers/{name}", ScopeAdmin, "remove a provider", Gone{}, (*handler).removeProvider},
		{"POST", "/api/login", ScopeOpen, "sign in by a password: {\"email\" or \"username\", \"password\"}", User{}, (*handler).login},
		{"POST", "/api/logout", ScopeOpen, "sign out", nil, (*handler).logout},
		{"GET", "/api/sessions", ScopeRead, "who is signed in, and where; with user=, one user's", []Session{}, (*handler).sessions},
		{"DELETE", "/api/sessions/{session}", ScopeAdmin, "end a session", Ended{}, (*handler).endSession},
	}
}
