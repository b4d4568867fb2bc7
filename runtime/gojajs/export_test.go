package gojajs

import "github.com/fazt-sh/fazt/runtime"

// OwnFunctions are those that may be called without a use of their object's value.
var OwnFunctions = ownFunctions

// WithoutArrays are the globals by which alone nobody gets an array, and
// ArraysOfTexts the natives that make them of what isn't one.
var (
	WithoutArrays = withoutArrays
	ArraysOfTexts = arraysOfTexts
)

// Unread counts the calls of a main file's host functions whose values go into the
// answer unread.
func Unread(src string) (n int) {
	s, err := New().Compile(runtime.Unit{Files: map[string]string{"main.js": src}, Main: "main.js"})
	if err != nil {
		panic(err)
	}
	for _, name := range s.(*script).calls {
		if _, variant := variantOf(name); variant != "" {
			n++
		}
	}
	return n
}
