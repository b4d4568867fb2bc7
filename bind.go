package fazt

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/internal/jsapi"
	"github.com/fazt-sh/fazt/runtime"
)

// Bind lets the handlers of every app call a Go function by a dotted name:
//
//	srv.Bind("shop.price", func(ctx context.Context, sku string) (int, error) { ... })
//
// makes shop.price("mug") work in JavaScript. fn takes an optional context
// first, which ends with the request; its other parameters are read from the
// call's arguments, and its result is given back, by the rules of encoding/json.
// A missing argument is the zero value. The last result may be an error; it is
// thrown as a JavaScript Error with the error's text as message, and, when the
// error has a method Code() string, with that code.
//
// So a time.Time is a text, as toJSON makes it of a Date, in both directions. A whole
// number beyond 2^53 loses digits, since JavaScript has doubles alone: give it as a
// text. A []byte takes bytes as they are and a string in base64, and is given back as
// bytes. A parameter or a result that JSON can't have, such as a channel, is refused
// by Bind, and so is a variadic function. A result counts as memory of the run, see
// [runtime.Limits].
//
// [Caller] says for which app, visitor and request fn works. A panic in it is thrown
// as an Error with the code INTERNAL, and logged. While fn runs, others have the
// handler's slot. Nothing but fn can end fn: one that goes on when its context has
// ended keeps the visitor waiting.
//
// The first part of the name must not be a global that handlers have already,
// such as fazt or console. Bind may be called at any time; requests that are
// under way do not see it. Apps stay loaded.
func (s *Server) Bind(name string, fn any) error {
	if !bindName.MatchString(name) {
		return fmt.Errorf("fazt: bind %q: use a dotted name such as \"shop.price\"", name)
	}
	if first, _, _ := strings.Cut(name, "."); slices.Contains(jsapi.Globals, first) {
		return fmt.Errorf("fazt: bind %q: %s is there already; choose another first part", name, first)
	}
	bound, err := jsapi.Bind(fn, func(ctx context.Context, value any, stack []byte) {
		c := Caller(ctx)
		s.log.Error("a bound function panicked", "function", name, "app", c.App, "request_id", c.RequestID, "panic", value, "stack", string(stack))
	})
	if err != nil {
		return fmt.Errorf("fazt: bind %s: %w", name, err)
	}
	s.bindMu.Lock()
	defer s.bindMu.Unlock()
	for other := range s.functions {
		if other == name || strings.HasPrefix(other, name+".") || strings.HasPrefix(name, other+".") {
			return fmt.Errorf("fazt: bind %s: %s is bound already", name, other)
		}
	}
	functions := maps.Clone(s.functions)
	functions[name] = bound
	return s.setFunctions(functions)
}

// setFunctions gives handlers other functions from their next request on.
// bindMu is held, or nobody else has the Server yet.
func (s *Server) setFunctions(functions map[string]any) error {
	host, err := runtime.NewHost(functions)
	if err != nil {
		return err
	}
	s.functions = functions
	s.host.Store(host)
	return nil
}

var bindName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+$`)

// Call is the run of a handler that a Go function serves; see [Caller].
type Call struct {
	App       string // the app's name; "" where no handler runs
	AppID     string // the id that its data belongs to, whatever its name
	Version   int    // of the app
	RequestID string // by which logs and the answer name the request

	visitor jsapi.Visitor
}

// Caller is the run of the handler that has called a function given to
// [Server.Bind], by the context that the function was given. It is the zero Call for
// any other context.
func Caller(ctx context.Context) Call {
	inv := jsapi.From(ctx)
	if inv == nil {
		return Call{}
	}
	c := Call{App: inv.App.Name, AppID: inv.App.ID, Version: inv.App.Version, visitor: inv.Visitor}
	if v, ok := inv.Visitor.(visitor); ok {
		c.RequestID = v.requestID
	}
	return c
}

// User is who is signed in to the app, or nil. The only errors are the database's.
func (c Call) User() (*auth.User, error) {
	if c.visitor == nil {
		return nil, nil
	}
	return c.visitor.User()
}
