// Package passkey checks passkeys for package auth, by
// github.com/go-webauthn/webauthn. It is a package of its own so that only programs
// which want passkeys link that library, which brings nine more modules:
//
//	a, err := auth.New(ctx, auth.Options{Store: store, Passkeys: passkey.New()})
//
// The command has them on. Browsers have passkeys on https sites with a name and on
// localhost; elsewhere nothing of them is shown.
package passkey
