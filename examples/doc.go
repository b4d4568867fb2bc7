// Package examples holds complete small apps and programs. It has no code of
// its own; see README.md for what there is.
package examples
