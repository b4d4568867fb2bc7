// Package gitignore decides which paths a .gitignore file excludes, by the
// rules of git's own manual page gitignore(5): the last rule that matches a
// path wins, and nothing inside an excluded directory can come back.
package gitignore
