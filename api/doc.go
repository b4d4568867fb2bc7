// Package api is the management API of a fazt server as a contract: the error
// envelope, the types on the wire, one table of routes, a handler that answers
// them from a [Service], and a client that is one.
//
// It imports nothing of fazt. A package that answers HTTP by itself uses its
// envelope, so that a program reads every error of the server alike:
//
//	{"error": {"code": "NOT_FOUND", "message": "there is no app named \"x\"; list the apps to see their names"}}
package api
