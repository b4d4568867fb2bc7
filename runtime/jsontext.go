package runtime

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// ExplainJSON says why a text is no JSON, in the words of whoever wrote it, and at which
// byte. err is what encoding/json says of it.
func ExplainJSON(text []byte, err error) (offset int, reason string) {
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	if !ok || len(bytes.TrimSpace(text)) == 0 {
		return len(text), "it ends where a value is still to come"
	}
	// The offset is behind what was read last.
	offset = int(max(syntax.Offset-1, 0))
	if syntax.Error() == "unexpected end of JSON input" || offset >= len(text) || len(bytes.TrimSpace(text[offset:])) == 0 {
		return len(text), "it ends too early; a closing brace, bracket or quote is missing"
	}
	before := bytes.TrimRight(text[:offset], " \t\r\n")
	c, _ := utf8.DecodeRune(text[offset:])
	switch {
	case (c == '}' || c == ']') && bytes.HasSuffix(before, []byte(",")):
		return offset, fmt.Sprintf("there is a comma before the closing %c; take it out", c)
	case c == '\'' || c == '`':
		return offset, "keys and texts stand in double quotes"
	case c == '/' || c == '#':
		return offset, "JSON has no comments; take it out"
	case strings.Contains(syntax.Error(), "after top-level value"):
		return offset, "there is more behind its end; take it out"
	case c < ' ':
		return offset, `a line break or another control character stands in a text; write \n`
	case c == '"' || c == '{' || c == '[':
		return offset, "a comma or a colon is missing before this"
	case c == ',':
		return offset, "there is a comma where a key or a value should be"
	case c == '_' || c == '$' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z':
		return offset, "keys and texts stand in double quotes; without them there are numbers, true, false and null only"
	}
	return offset, fmt.Sprintf("%q can't stand here", c)
}

// PlaceIn is the line and the column of a byte in a text, counted from 1; columns in bytes.
func PlaceIn(text []byte, offset int) (line, column int) {
	head := text[:min(offset, len(text))]
	return 1 + bytes.Count(head, []byte("\n")), len(head) - bytes.LastIndexByte(head, '\n')
}
