// Package cli is the fazt command. It does its work through package fazt's
// public API alone, so whatever it can do another Go program can do too.
//
// [Run] carries out one command line and returns the exit code: 0 when it was
// done, 1 when it failed, 2 when the command line itself makes no sense. A
// failure is one line on stderr that says what to do next. What a command was
// asked for goes to stdout, alone, so that it can be piped.
package cli
