package jsapi

import (
	"context"
	"net/http"
	"slices"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/runtime"
)

const typeUser Type = "User | null"

var roleParam = required("role", typeString)

var authFunctions = []Function{
	{Name: "getUser", Result: typeUser, make: withUser(func(c caller, _ runtime.Args) (runtime.Value, error) {
		if c.user == nil {
			return runtime.Null(), nil
		}
		return runtime.From(c.user)
	})},
	{Name: "isLoggedIn", Result: typeBoolean, make: withUser(func(c caller, _ runtime.Args) (runtime.Value, error) {
		return runtime.Bool(c.user != nil), nil
	})},
	{Name: "isAdmin", Result: typeBoolean, make: is(auth.RoleAdmin)},
	{Name: "isOwner", Result: typeBoolean, make: is(auth.RoleOwner)},
	{Name: "hasRole", Params: []Param{roleParam}, Result: typeBoolean, make: withUser(func(c caller, args runtime.Args) (runtime.Value, error) {
		role, err := args.String(0)
		if err != nil {
			return runtime.Value{}, err
		}
		has, err := c.has(role)
		return runtime.Bool(has), err
	})},
	{Name: "requireLogin", Result: typeVoid, make: require(auth.RoleUser)},
	{Name: "requireAdmin", Result: typeVoid, make: require(auth.RoleAdmin)},
	{Name: "requireOwner", Result: typeVoid, make: require(auth.RoleOwner)},
	{Name: "requireRole", Params: []Param{roleParam}, Result: typeVoid, make: withUser(func(c caller, args runtime.Args) (runtime.Value, error) {
		role, err := args.String(0)
		if err != nil {
			return runtime.Value{}, err
		}
		return c.require(role)
	})},
	{Name: "getLoginURL", Params: []Param{optional("back", typeString)}, Result: typeString, make: binder.loginURL},
	{Name: "getLogoutURL", Result: typeString, make: binder.logoutURL},
}

// caller is who a handler works for.
type caller struct {
	user    *auth.User // nil: nobody is signed in
	visitor Visitor    // nil: there is none
	inv     *Invocation
}

// has reports whether the caller has a role: one of the server's, of which a
// greater includes the lesser, or one of the app's own. One that nobody has, or that
// nobody could have, is none.
func (c caller) has(role string) (bool, error) {
	if own := auth.Role(role); c.user == nil || own.Valid() {
		return c.user != nil && c.user.Role.Has(own), nil
	}
	roles, err := c.inv.appRoles()
	return slices.Contains(roles, role), err
}

// withUser makes a function that needs to know who is signed in.
func withUser(f func(caller, runtime.Args) (runtime.Value, error)) func(binder) any {
	return func(binder) any {
		return runtime.Brief(func(ctx context.Context, args runtime.Args) (runtime.Value, error) {
			inv := From(ctx)
			u, err := inv.signedIn()
			if err != nil {
				return runtime.Value{}, err
			}
			return f(caller{u, inv.Visitor, inv}, args)
		})
	}
}

func is(role auth.Role) func(binder) any {
	return withUser(func(c caller, _ runtime.Args) (runtime.Value, error) {
		has, err := c.has(string(role))
		return runtime.Bool(has), err
	})
}

func require(role auth.Role) func(binder) any {
	return withUser(func(c caller, _ runtime.Args) (runtime.Value, error) { return c.require(string(role)) })
}

// require lets a user with the role pass and ends the run for anybody else: a
// person who is navigating is sent to sign in, a program gets 401 or 403. The person
// comes back to where they were going, under /api too: it is what they asked to see.
func (c caller) require(role string) (runtime.Value, error) {
	has, err := c.has(role)
	switch {
	case err != nil:
		return runtime.Value{}, err
	case has:
		return runtime.Undefined(), nil
	case c.user != nil:
		return runtime.Value{}, stop(&api.Error{Status: http.StatusForbidden, Code: "FORBIDDEN", Message: "this needs the role " + role})
	case c.visitor != nil && c.visitor.Navigates():
		return runtime.Value{}, &runtime.Stop{Response: runtime.Response{
			Status: http.StatusFound,
			Header: http.Header{"Location": {c.visitor.LoginURL(c.visitor.Here())}, "Cache-Control": {"no-store"}},
		}}
	}
	return runtime.Value{}, stop(&api.Error{Status: http.StatusUnauthorized, Code: "LOGIN_REQUIRED", Message: "sign in first"})
}

func (binder) loginURL() any {
	return withVisitor(func(v Visitor, args runtime.Args) (string, error) {
		back, err := optionalString(args, 0)
		return v.LoginURL(back), err
	})
}

func (binder) logoutURL() any {
	return withVisitor(func(v Visitor, _ runtime.Args) (string, error) { return v.LogoutURL(), nil })
}

// withVisitor makes a function whose result is only for a visitor to follow.
func withVisitor(f func(Visitor, runtime.Args) (string, error)) runtime.Brief {
	return func(ctx context.Context, args runtime.Args) (runtime.Value, error) {
		v := From(ctx).Visitor
		if v == nil {
			return runtime.Null(), nil
		}
		text, err := f(v, args)
		return runtime.String(text), err
	}
}
