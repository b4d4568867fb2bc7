package literal

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Unescape decodes what is a valid escape.
func Unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// FormDecode decodes a name or a value of application/x-www-form-urlencoded.
func FormDecode(s string) string {
	s = Unescape(strings.ReplaceAll(s, "+", " "))
	return strings.ToValidUTF8(s, string(utf8.RuneError))
}
