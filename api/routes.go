package api

import (
	"net/http"
)

// Scope is what an API key must have for a route; a session needs the role of
// admin. Open is for everybody.
type Scope string

// The scopes. A key with admin has them all.
const (
	Open   Scope = ""
	Deploy Scope = "deploy" // put apps on the server, and remove them
	Read   Scope = "read"   // read what the management API shows
	SQL    Scope = "sql"    // run SQL
	Admin  Scope = "admin"  // everything; it can make keys, so less would be pretence
)

// Route is one operation of the management API.
type Route struct {
	Method  string
	Pattern string // of [http.ServeMux]
	Scope   Scope
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
		{"GET", "/health", Open, "whether the server is there", Health{}, (*handler).health},
		{"GET", "/api/health", Open, "whether the server is there", Health{}, (*handler).health},
		{"GET", "/api/system/limits", Read, "the limits in force", Limits{}, (*handler).limits},
		{"GET", "/api/system/stats", Read, "what the server is doing", Stats{}, (*handler).stats},
		{"GET", "/metrics", Read, "the statistics for Prometheus, as text", nil, (*handler).metrics},
		{"POST", "/api/deploy", Deploy, "deploy an app: a form with site_name, file (a ZIP) and spa", Deployment{}, (*handler).deploy},
		{"GET", "/api/apps", Read, "the deployed apps", []App{}, (*handler).apps},
		{"DELETE", "/api/apps/{app}", Deploy, "remove an app; its data, too, without keep_data=1", Removed{}, (*handler).removeApp},
		{"GET", "/api/apps/{app}/logs", Read, "lines of an app's log; with follow=1 as server-sent events", []LogLine{}, (*handler).logs},
	}
}
