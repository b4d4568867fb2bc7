package api

import (
	"context"
)

// Service is what an operator can do with a server. A fazt.Server is one, and so
// is a [Client], which asks another server over HTTP: a program written for a
// Service works on either.
//
// A method's error is an [*Error] when a Client returns it. A server's own has
// the codes of the packages that it is made of.
type Service interface {
	Apps
	Versions
	Aliases
	Logs
	People
	Keys
	Sessions
	Audit
	Providers
	System
}

// Logs are what handlers print.
type Logs interface {
	// Logs returns lines of an app's log, oldest first. A line is stored within
	// a second or so of the end of its request. app is a name or an id; one that
	// does not exist is NOT_FOUND.
	Logs(ctx context.Context, app string, q LogQuery) ([]LogLine, error)
}

// Sessions are where people are signed in.
type Sessions interface {
	// Sessions returns the sessions that are good now, the one used last first:
	// those of a user, by id or e-mail address, or everybody's for an empty user.
	// "me" is the user who asks. A user who does not exist is NOT_FOUND.
	Sessions(ctx context.Context, user string) ([]Session, error)
	// EndSession ends a session and those that were handed over from it. One that
	// does not exist is NOT_FOUND; an owner's is FORBIDDEN for an admin.
	EndSession(ctx context.Context, id string) error
}

// System is the server itself.
type System interface {
	Health(ctx context.Context) (*Health, error)
	Limits(ctx context.Context) (*Limits, error)
	Stats(ctx context.Context) (*Stats, error)
}
