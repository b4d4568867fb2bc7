package fazt

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

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
	bound, err := jsapi.Bind(fn)
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
