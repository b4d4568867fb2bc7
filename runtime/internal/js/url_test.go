package js_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/runtime/internal/js"
)

// FuzzURL proves that a parsed URL is in normal form: parsing what it serialises to gives
// the same again, which setters rely on.
func FuzzURL(f *testing.F) {
	for _, s := range []string{"http://a.b/c?d#e", "file:///x", "mailto:a@b", "http://u:p@h:1/../x", "http://[::1]:80", "a:b", "ws:\\\\x",
		"http://a/%2e%2e/", "x://y z", "x:/..//y", "data:a  #b", "file:c|/x", "http://0x7f.1", "http://ü.de", "blob:http://a/b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, ok := js.ParseURL(s, nil)
		if !ok {
			return
		}
		again, ok := js.ParseURL(u.String(), nil)
		if !ok {
			t.Fatalf("%q: %q doesn't parse", s, u)
		}
		if diff := cmp.Diff(u.Parts(), again.Parts()); diff != "" {
			t.Errorf("%q: %q isn't stable (-once +twice)\n%s", s, u, diff)
		}
	})
}

func FuzzSetURL(f *testing.F) {
	f.Add("http://a.b/c?d#e", "host", "x:1")
	f.Fuzz(func(t *testing.T, text, part, value string) {
		u, ok := js.ParseURL(text, nil)
		if !ok || part == "href" || !settable[part] {
			return
		}
		if u, ok = js.SetURL(u.String(), part, value); !ok {
			t.Fatal("it can't be set")
		}
		again, ok := js.ParseURL(u.String(), nil)
		if !ok {
			t.Fatalf("%q with the %s %q is %q, which doesn't parse", text, part, value, u)
		}
		if diff := cmp.Diff(u.Parts(), again.Parts()); diff != "" {
			t.Errorf("%q with the %s %q is %q, which isn't stable (-once +twice)\n%s", text, part, value, u, diff)
		}
	})
}

var settable = func() map[string]bool {
	m := make(map[string]bool)
	for _, name := range js.PartNames {
		m[name] = name != "origin"
	}
	return m
}()
