package api

import "context"

// Actor is who makes a change. The audit log keeps it beside the change. The
// zero Actor is a program that uses the library or the data file directly.
type Actor struct {
	// Kind says what ID is of.
	Kind ActorKind `json:"kind"`
	// ID is the user's or the key's; "" for a local one.
	ID string `json:"id"`
	// Name is for people: an e-mail address, or the name of a key.
	Name string `json:"name"`
	// Addr is the network address that the request came from; "" for a local one.
	Addr string `json:"addr"`
}

// ActorKind is a kind of [Actor].
type ActorKind string

// The kinds of actors.
const (
	ActorLocal ActorKind = "local" // this machine's owner, or the embedding program
	ActorUser  ActorKind = "user"  // a signed-in user
	ActorKey   ActorKind = "key"   // an API key
)

type actorKey struct{}

// WithActor notes who acts for what is called with the context.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorFrom is who acts; without a note it is a local actor.
func ActorFrom(ctx context.Context) Actor {
	if a, ok := ctx.Value(actorKey{}).(Actor); ok {
		return a
	}
	return Actor{Kind: ActorLocal}
}
