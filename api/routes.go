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
	// Request is a value of a struct type that says what the route takes beside
	// what its pattern names; nil is nothing. A field with the tag query is a
	// parameter of the query, with form a field of a multipart form, and with json
	// one of the body's object. A parameter has a tag doc, which explains it. What
	// is sent besides is refused, unless the route is open.
	Request any
	// Answer is a value of the type that the answer has as its data; a slice is a
	// list, whose answer says which part of it this is. [Bare] and [Media] are
	// answers of another form.
	Answer any

	serve func(*handler, http.ResponseWriter, *http.Request) error
}

// Bare is the answer of a route that gives what it holds without the envelope.
type Bare struct{ Of any }

// Media is the answer of a route that is not JSON: its media type.
type Media string

// Routes is every operation of the management API. What answers, what a caller
// must have, and what is documented all come from here.
func Routes() []Route {
	return []Route{
		{"GET", "/api/openapi.json", ScopeRead, "this API as an OpenAPI document", nil, Media("application/json"), (*handler).openAPI},
		{"GET", "/health", ScopeOpen, "whether the server is there", healthParameters{}, Health{}, (*handler).health},
		{"GET", "/api/health", ScopeOpen, "whether the server is there", healthParameters{}, Health{}, (*handler).health},
		{"GET", "/api/system/health", ScopeRead, "how the server is, and what it depends on", nil, Checkup{}, (*handler).checkup},
		{"GET", "/api/system/limits", ScopeRead, "the limits in force", nil, Limits{}, (*handler).limits},
		{"GET", "/api/system/stats", ScopeRead, "what the server is doing", nil, Stats{}, (*handler).stats},
		{"GET", "/metrics", ScopeRead, "the statistics for Prometheus, as text", nil, Media("text/plain"), (*handler).metrics},
		{"POST", "/api/backup", ScopeAdmin, "a copy of everything, for an owner: a data file, with its hash", nil, Media(backupType), (*handler).backup},
		{"POST", "/api/deploy", ScopeDeploy, "deploy an app", deployForm{}, Deployment{}, (*handler).deploy},
		{"GET", "/api/apps", ScopeRead, "the deployed apps", paging{}, []App{}, (*handler).apps},
		{"GET", "/api/apps/{app}", ScopeRead, "one app, by name or id: what it stores, and what it is charged", nil, AppInfo{}, (*handler).appInfo},
		{"PUT", "/api/apps/{app}", ScopeDeploy, "change what people are told of an app", AppChange{}, App{}, (*handler).changeApp},
		{"DELETE", "/api/apps/{app}", ScopeDeploy, "remove an app, its data too", removalParameters{}, Removed{}, (*handler).removeApp},
		{"GET", "/api/apps/{app}/versions", ScopeRead, "the kept versions of an app, newest first", paging{}, []Version{}, (*handler).versions},
		{"POST", "/api/apps/{app}/rollback", ScopeDeploy, "serve a kept version again, as a new one", rollbackTo{}, Deployment{}, (*handler).rollback},
		{"GET", "/api/apps/{app}/files", ScopeRead, "the files of a version, by path", filesParameters{}, []AppFile{}, (*handler).files},
		{"GET", "/api/apps/{app}/files/{path...}", ScopeRead, "the bytes of a file", fileParameters{}, Media("application/octet-stream"), (*handler).file},
		{"GET", "/api/apps/{app}/logs", ScopeRead, "lines of an app's log: the newest, oldest first", logParameters{}, []LogLine{}, (*handler).logs},
		{"GET", "/api/logs", ScopeRead, "lines of several apps' logs", logsParameters{}, []LogLine{}, (*handler).logs},
		{"GET", "/api/apps/{app}/env", ScopeRead, "an app's variables by name, without their values", paging{}, []Variable{}, (*handler).env},
		{"PUT", "/api/apps/{app}/env", ScopeDeploy, "set variables, all or none", envBody{}, EnvSet{}, (*handler).setEnv},
		{"GET", "/api/apps/{app}/env/{name}", ScopeRead, "a variable, without its value", nil, Variable{}, (*handler).variable},
		{"PUT", "/api/apps/{app}/env/{name}", ScopeDeploy, "set a variable", variableBody{}, EnvSet{}, (*handler).setVariable},
		{"DELETE", "/api/apps/{app}/env/{name}", ScopeDeploy, "remove a variable", nil, Gone{}, (*handler).unsetVariable},
		{"POST", "/api/sql", ScopeSQL, "run one SQL statement, which reads unless write is true; that takes the scope admin, of an owner", sqlRequest{}, Bare{sqlAnswer{}}, (*handler).sql},
		{"PUT", "/api/apps/{app}/roles/{user}", ScopeAdmin, "give a user a role in one app", roleBody{}, Granted{}, (*handler).setAppRole},
		{"DELETE", "/api/apps/{app}/roles/{user}", ScopeAdmin, "take it away", roleParameters{}, Granted{}, (*handler).removeAppRole},
		{"GET", "/api/aliases", ScopeRead, "the aliases, by label", paging{}, []Alias{}, (*handler).aliases},
		{"POST", "/api/aliases", ScopeDeploy, "make an alias, or replace the one of that label", aliasBody{}, Alias{}, (*handler).makeAlias},
		{"GET", "/api/aliases/{label}", ScopeRead, "one alias", nil, Alias{}, (*handler).alias},
		{"PUT", "/api/aliases/{label}", ScopeDeploy, "make an alias, or replace it", aliasBody{}, Alias{}, (*handler).setAlias},
		{"DELETE", "/api/aliases/{label}", ScopeDeploy, "remove an alias", nil, Gone{}, (*handler).removeAlias},
		{"POST", "/api/aliases/{label}/split", ScopeDeploy, "share an alias's visitors out among apps", splitBody{}, Alias{}, (*handler).splitAlias},
		{"POST", "/api/aliases/swap", ScopeDeploy, "exchange what two aliases lead to, at one moment", swapBody{}, Swapped{}, (*handler).swapAliases},
		{"GET", "/api/users", ScopeRead, "the users, oldest first", paging{}, []User{}, (*handler).users},
		{"GET", "/api/users/{user}", ScopeRead, "one user, by id or e-mail", nil, User{}, (*handler).user},
		{"PUT", "/api/users/{user}", ScopeAdmin, "change a user", UserChange{}, User{}, (*handler).changeUser},
		{"DELETE", "/api/users/{user}", ScopeAdmin, "remove a user", nil, Gone{}, (*handler).removeUser},
		{"GET", "/api/users/me", ScopeRead, "the user who asks", nil, User{}, (*handler).me},
		{"GET", "/api/me", ScopeRead, "the user who asks", nil, User{}, (*handler).me},
		{"GET", "/api/invites", ScopeRead, "the invites", paging{}, []Invite{}, (*handler).invites},
		{"POST", "/api/invites", ScopeAdmin, "invite people", NewInvite{}, Invite{}, (*handler).makeInvite},
		{"DELETE", "/api/invites/{id}", ScopeAdmin, "end an invite", nil, Gone{}, (*handler).revokeInvite},
		{"GET", "/api/keys", ScopeRead, "the API keys, without their secrets", paging{}, []Key{}, (*handler).keys},
		{"POST", "/api/keys", ScopeAdmin, "make an API key", NewKey{}, Key{}, (*handler).makeKey},
		{"DELETE", "/api/keys/{id}", ScopeAdmin, "revoke an API key", nil, Gone{}, (*handler).revokeKey},
		{"GET", "/api/auth/providers", ScopeRead, "the providers that people sign in by, without their secrets", paging{}, []Provider{}, (*handler).providers},
		{"PUT", "/api/auth/providers/{name}", ScopeAdmin, "make or change a provider", ProviderConfig{}, Provider{}, (*handler).setProvider},
		{"DELETE", "/api/auth/providers/{name}", ScopeAdmin, "remove a provider", nil, Gone{}, (*handler).removeProvider},
		{"POST", "/api/login", ScopeOpen, "sign in by a password", passwordLogin{}, User{}, (*handler).login},
		{"POST", "/api/logout", ScopeOpen, "sign out", nil, SignedOut{}, (*handler).logout},
		{"GET", "/api/sessions", ScopeRead, "who is signed in, and where", sessionParameters{}, []Session{}, (*handler).sessions},
		{"GET", "/api/audit", ScopeRead, "the log of changes, newest first", auditParameters{}, []AuditEntry{}, (*handler).audit},
		{"DELETE", "/api/sessions/{session}", ScopeAdmin, "end a session", nil, Ended{}, (*handler).endSession},
	}
}
