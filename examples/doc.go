// Package examples holds complete small apps and programs; see README.md for what there
// is. It has no code of its own.
package examples

import "embed"

// Apps are those of the apps that fazt app create makes, a directory each.
//
//go:embed guestbook uploads
var Apps embed.FS
