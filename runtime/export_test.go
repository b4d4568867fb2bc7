package runtime

// CheckNesting gives the tests what Load checks before an engine parses.
func CheckNesting(src string) *Error { return checkNesting("test.js", src) }
