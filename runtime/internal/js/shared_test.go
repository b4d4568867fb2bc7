package js_test

import (
	"encoding/base64"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/fazt-sh/fazt/runtime/internal/js"
)

// TestLongBytes makes texts of long bytes, and bytes of those, with a checkpoint every slice
// and the same result as at once.
func TestLongBytes(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED under -short: a long text made in one goroutine")
	}
	const mebi = 1 << 20
	rnd := rand.New(rand.NewPCG(1, 2))
	random := make([]byte, mebi+7)
	for i := range random {
		random[i] = byte(rnd.Uint32())
	}
	for name, b := range map[string][]byte{
		"nothing": nil, "short": []byte("é"), "random": random, "ASCII": []byte(strings.Repeat("abcde", mebi/5)),
		"three bytes each": []byte(strings.Repeat("€", mebi/3)), "four bytes each": []byte(strings.Repeat("x😀", mebi/5)),
		"no first bytes": []byte(strings.Repeat("\x80", mebi)), "only first bytes": []byte(strings.Repeat("\xf0", mebi)),
	} {
		checks := 0
		check := func() { checks++ }
		for encoding, want := range map[string]string{
			"utf8": strings.ToValidUTF8(string(b), string(utf8.RuneError)), "hex": hex.EncodeToString(b), "base64": base64.StdEncoding.EncodeToString(b),
		} {
			checks = 0
			got, err := js.BytesText(b, encoding, 4*mebi, check)
			if err != nil || got != want {
				t.Errorf("%s as %s: %d characters, not those wanted, or %v", name, encoding, len(got), err)
			}
			if least := len(b) >> 16; checks < least {
				t.Errorf("%s as %s: %d checkpoints, want %d", name, encoding, checks, least)
			}
		}
		checks = 0
		text := " " + base64.StdEncoding.EncodeToString(b)
		got, err := js.DecodeBase64(text, check)
		if err != nil || string(got) != string(b) {
			t.Errorf("%s from base64: %d bytes, not those wanted, or %v", name, len(got), err)
		}
		if least := 2 * len(text) >> 16; checks < least {
			t.Errorf("%s from base64: %d checkpoints, want %d", name, checks, least)
		}
	}
	if _, err := js.DecodeBase64(strings.Repeat("abcd", mebi)+"*", func() {}); err == nil {
		t.Error("a long text that is no base64 at its end was taken")
	}
}
