package runtime

import "strings"

// lastMatch are the properties of RegExp that older engines keep the last match in.
// No engine here has them, and code that reads one would go on with undefined.
var lastMatch = map[string]bool{"$1": true, "$2": true, "$3": true, "$4": true, "$5": true, "$6": true, "$7": true, "$8": true, "$9": true,
	"lastMatch": true, "lastParen": true, "leftContext": true, "rightContext": true}

// readsLastMatch looks at the name of a property, and says what to write instead.
func (n *nesting) readsLastMatch(word string) string {
	const object = "RegExp"
	if !lastMatch[word] {
		return ""
	}
	before, ok := strings.CutSuffix(strings.TrimRight(n.src[:n.sign], " \t\r\n"), object)
	if !ok || before != "" && (isWordByte(before[len(before)-1]) || before[len(before)-1] == '.') {
		return ""
	}
	return "RegExp." + word + " is not kept; take it from the array that exec or match returns"
}
