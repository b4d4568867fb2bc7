// Package acmetest has tests of HTTPS with an authority that is not ours:
// github.com/letsencrypt/pebble, which is Let's Encrypt's own for tests. It is a module
// of its own, so that nobody who uses fazt downloads it.
package acmetest
