package routing_test

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/harnesstest/routing"
)

func load(text string) (*routing.Table, error) {
	return routing.Load(fstest.MapFS{"t.txt": {Data: []byte(text)}}, "t.txt")
}

const table = `domain example.com
alias shop app site 2
GET site "/a b" -> 200 @site/a.txt
  > X-A: b
  < X-C:
  > If-None-Match: {etag site/a.txt gzip}
HEAD - / -> 404 ~"lo st"
-- site/a.txt --
a
-- site@2/"b\tc"=hex --
00 ff
-- site/c=times 3 --
-- site/d=times 3 --
d
`

func TestLoad(t *testing.T) {
	got, err := load(table)
	if err != nil {
		t.Fatal(err)
	}
	want := &routing.Table{
		Domain:  "example.com",
		Aliases: [][]string{{"shop", "app", "site", "2"}},
		Apps: []routing.App{
			{"site", 1, fstest.MapFS{"a.txt": {Data: []byte("a\n")}, "c": {Data: []byte{}}, "d": {Data: []byte("d\nd\nd\n")}}},
			{"site", 2, fstest.MapFS{`b	c`: {Data: []byte{0, 255}}}},
		},
		Cases: []routing.Case{
			{At: "t.txt:3", Method: "GET", Host: "site", Target: "/a b", Status: 200, Body: routing.Body{Given: true, Text: "a\n"},
				Header:     http.Header{"X-A": {"b"}, "If-None-Match": {`"87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7-gzip"`}},
				WantHeader: map[string]string{"X-C": ""}},
			{At: "t.txt:7", Method: "HEAD", Host: "-", Target: "/", Status: 404, Body: routing.Body{Given: true, Text: "lo st", Contains: true},
				Header: http.Header{}, WantHeader: map[string]string{}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestLoadRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"GET site /":                              "t.txt:1: want METHOD",
		"\nGET site / -> ok":                      "t.txt:2: ",
		"  > A: b":                                "a header before the first request",
		"GET site / -> 200\n  = A: b":             "want > NAME",
		"GET site / -> 200 @site/x":               "no file site/x",
		"GET site / -> 200\n  > A: {etag site/x}": "no file site/x",
		`GET site "/ -> 200`:                      "invalid syntax",
		"-- x --\n":                               "begin with the app",
	} {
		if _, err := load(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// TestSend finds what a server does otherwise, and nothing where it does not.
func TestSend(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Target", r.RequestURI)
		w.Write([]byte("hello"))
	})}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	loaded, err := load(`GET a //x -> 200 "hello"
  < X-Target: //x
  < X-Other:
GET a /y -> 404 ~"hi"
  < X-Target: /x
`)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]string{nil, {"X-Target: \"/y\", want \"/x\"", "status 200, want 404", `body "hello", want "hi"`}} {
		got, err := loaded.Cases[i].Send(l.Addr().String())
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	}
}
