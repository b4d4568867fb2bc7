package runtime

import (
	"encoding/json"
	"fmt"
)

// MaxJSONDepth is how deep a JSON text may nest that a handler is given: an
// engine's parser recurses.
const MaxJSONDepth = 512

// CheckJSON reports what is wrong with a JSON text that a handler is to be given
// as a value: that it isn't one, or nests deeper than maxDepth. Depth is looked
// at first and without recursion.
func CheckJSON(text []byte, maxDepth int) error {
	depth, inString := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case !inString && (c == '{' || c == '['):
			if depth++; depth > maxDepth {
				return fmt.Errorf("nested more than %d deep", maxDepth)
			}
		case !inString && (c == '}' || c == ']'):
			depth--
		}
	}
	var probe json.RawMessage
	return json.Unmarshal(text, &probe)
}
