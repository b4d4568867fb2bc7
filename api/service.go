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
	Backups
	People
	Keys
	Sessions
	Audit
	Providers
	SQL
	Environment
	System
}

// Logs are what handlers print.
type Logs interface {
	// Logs returns lines, oldest first, and where it got to: it looks at about
	// 100,000 lines at most, so one after another may be asked for. A line is stored
	// within a second or so of the end of its request. An app that does not exist is
	// NOT_FOUND.
	Logs(ctx context.Context, q LogQuery) (*LogPage, error)
	// FollowLogs calls send with the lines after q.After that q asks for, and with
	// those that come, until ctx ends. It returns ctx's error, or the first other: of
	// send, or since an app is gone. q.Newest, q.Before and q.Limit mean nothing here.
	FollowLogs(ctx context.Context, q LogQuery, send func([]LogLine) error) error
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
	// Health says that the server is there.
	Health(ctx context.Context) (*Health, error)
	// Checkup tries what the server depends on: it reads from the store and writes to
	// it. What is wrong is in the answer, and no error.
	Checkup(ctx context.Context) (*Checkup, error)
	Limits(ctx context.Context) (*Limits, error)
	Stats(ctx context.Context) (*Stats, error)
}
