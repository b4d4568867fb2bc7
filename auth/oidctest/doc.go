// Package oidctest has tests of signing in by an OpenID Provider that is not ours:
// that of github.com/zitadel/oidc. It is a module of its own, so that nobody who uses
// fazt downloads it.
package oidctest
