package cases_test

import (
	"context"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/harnesstest/cases"
)

const table = `domain example.com
alias shop app site 2
GET site "/a b" -> 200 @site/a.txt
  > X-A: b
  < X-C:
  > If-None-Match: {etag site/a.txt gzip}

check more/of-it
needs Deployer
HEAD - / -> 404|close ~"lo st" !@site/a.txt
  <~ Allow: GET
  <! X-D: e
  << "~"
  >> "@ {\"a\": 1}"
  as owner
  key read deploy
RAW @ "GET /\r\n" -> 400
-- site/a.txt --
a
-- site@2/"b\tc"=hex --
00 ff
-- site/c=times 3 --
-- site/d=times 3 --
d
`

func TestParse(t *testing.T) {
	got, err := cases.Parse("t.txt", []byte(table))
	if err != nil {
		t.Fatal(err)
	}
	want := &cases.Table{
		Domain:  "example.com",
		Aliases: [][]string{{"shop", "app", "site", "2"}},
		Apps: []cases.App{
			{"site", 1, fstest.MapFS{"a.txt": {Data: []byte("a\n")}, "c": {Data: []byte{}}, "d": {Data: []byte("d\nd\nd\n")}}},
			{"site", 2, fstest.MapFS{`b	c`: {Data: []byte{0, 255}}}},
		},
		Checks: []cases.Check{
			{Cases: []cases.Case{
				{At: "t.txt:3", Method: "GET", Host: "site", Target: "/a b",
					Header: []cases.Field{{"X-A", "b"}, {"If-None-Match", `"87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7-gzip"`}},
					Want:   cases.Answer{Status: []int{200}, Header: []cases.Part{{Name: "X-C"}}, Body: []cases.Part{{Text: "a\n"}}}},
			}},
			{Name: "more/of-it", Needs: []string{"Deployer"}, Cases: []cases.Case{
				{At: "t.txt:10", Method: "HEAD", Host: "-", Target: "/", Body: `@ {"a": 1}`, As: "owner", Key: []string{"read", "deploy"},
					Want: cases.Answer{
						Status: []int{404}, Closed: true,
						Header: []cases.Part{{"Allow", cases.Contains, "GET"}, {"X-D", cases.LacksIt, "e"}},
						Body:   []cases.Part{{How: cases.Contains, Text: "lo st"}, {How: cases.LacksIt, Text: "a\n"}, {Text: "~"}},
					}},
				{At: "t.txt:17", Method: "RAW", Host: "@", Target: "GET /\r\n", Want: cases.Answer{Status: []int{400}}},
			}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"GET site /":                              "t.txt:1: want METHOD",
		"\nGET site / -> ok":                      "t.txt:2: want a status",
		"GET site / -> 200|1000":                  "want a status",
		"GET site / -> 20xx":                      "want a status",
		"GET site / -> 200 body":                  "want a body",
		"  > A: b":                                "no request above it",
		"check a\n  > A: b":                       "no request above it",
		"check a\ncheck a":                        "is there twice",
		"GET site / -> 200\n  = A: b":             "want > NAME",
		"GET site / -> 200\n  <? A: b":            "want > NAME",
		"GET site / -> 200\n  < : b":              "want > NAME",
		"GET site / -> 200\n  <~ A:":              "has no part",
		"GET site / -> 200\n  as":                 "want > NAME",
		"GET site / -> 200 @site/x":               "no file site/x",
		"GET site / -> 200\n  >> @site/x":         "no file site/x",
		"GET site / -> 200\n  > A: {etag site/x}": "no file site/x",
		`GET site "/ -> 200`:                      "invalid syntax",
		"-- x --\n":                               "begin with the app",
		"-- a@0/x --\n":                           "a version from 1",
		"-- a/x --\n-- a/x --\n":                  "is there twice",
		"-- a/x=hex --\n0":                        "odd length",
		"-- a/x=times 67108864 --\nab\n":          "67108864 bytes at most",
	} {
		if _, err := cases.Parse("t.txt", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// FuzzParse: a text is a table or an error, and what comes of it can be sent.
func FuzzParse(f *testing.F) {
	f.Add(table)
	names, err := fs.Glob(cases.Files(), "*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(cases.Files(), name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		table, err := cases.Parse("t", []byte(text))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "t:") {
				t.Errorf("an error does not say where: %v", err)
			}
			return
		}
		for _, c := range table.Cases() {
			if c.Method == "" || c.At == "" || len(c.Want.Status) == 0 && !c.Want.Closed {
				t.Errorf("a case that can't be asked: %+v", c)
			}
			for _, p := range c.Want.Header {
				if p.Name == "" {
					t.Errorf("a header without a name: %+v", c)
				}
			}
		}
		for _, a := range table.Apps {
			if !table.HasApp(a.Name) || a.Version < 1 {
				t.Errorf("an app that is none: %+v", a)
			}
		}
	})
}

// The tables of this package can be read, and each check says something.
func TestFiles(t *testing.T) {
	names, err := fs.Glob(cases.Files(), "*.txt")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	seen := map[string]string{}
	for _, name := range names {
		table, err := cases.Load(cases.Files(), name)
		if err != nil {
			t.Error(err)
			continue
		}
		suite, _, _ := strings.Cut(name, "-")
		for _, c := range table.Checks {
			key := suite + "/" + c.Name
			if c.Name == "" || len(c.Cases) == 0 || seen[key] != "" {
				t.Errorf("%s: the check %q has no name, no requests, or is in %s too", name, c.Name, seen[key])
			}
			seen[key] = name
		}
	}
}

// echo answers with what it was asked.
func echo(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/hang-up" {
		panic(http.ErrAbortHandler)
	}
	if r.URL.Path == "/stray" {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray")
			conn.Close()
		}
		return
	}
	w.Header().Set("X-Target", r.RequestURI)
	w.Header().Set("X-Host", r.Host)
	w.Header().Set("X-As", r.Header.Get("Cookie")+r.Header.Get("Authorization"))
	io.Copy(w, r.Body)
}

// A Sender finds what a server does otherwise, and nothing where it does not.
func TestSend(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(echo))
	t.Cleanup(server.Close)
	ask := cases.Sender{
		Dial: func(ctx context.Context) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", server.Listener.Addr().String())
		},
		App:    func(name string) string { return "in." + name },
		Host:   func(name string) string { return strings.Replace(name, "@", "own", 1) + ".test" },
		Cookie: func(_ context.Context, host, role string) (string, error) { return role + "@" + host, nil },
		Token:  func(_ context.Context, scopes []string) (string, error) { return strings.Join(scopes, "+"), nil },
	}
	for _, test := range []struct {
		text  string
		wrong []string
	}{
		{`GET a //x -> 200 ""
  < X-Target: //x
  < X-Other:
  <~ X-Host: a.t
  <! X-Host: b`, nil},
		{`GET a /y -> 404|410 ~"hi"
  < X-Target: /x
  <! X-Host: a
  <~ X-Host: c`, []string{
			"status 200, want 404 or 410", `X-Target: "/y", want "/x"`, `X-Host: "a.test", want not in it "a"`, `X-Host: "a.test", want in it "c"`,
			`body "", want in it "hi"`,
		}},
		{`POST a / -> 2xx|404 "to b.test, in.b, xyxyxy" ~"b.t" !"c"
  >> "to {host b}, {app b}, {times 3 xy}"`, nil},
		{"GET a / -> 4xx|close", []string{"status 200, want 4xx or a closed connection"}},
		{`GET a / -> 200
  <! X-Target:
  <! X-None:
  <! Transfer-Encoding:`, []string{`X-None: "", want not in it ""`, `Transfer-Encoding: "", want not in it ""`}},
		{"HEAD a /stray -> 200", []string{"there are bytes after an answer that has no body"}},
		{`POST a / -> 200 "abc" !"b"
  > Transfer-Encoding: chunked
  >> "3\r\nabc\r\n0\r\n\r\n"`, []string{`body "abc", want not in it "b"`}},
		{`GET a / -> 200
  as owner
  < X-As: owner@a.test`, nil},
		{`GET a / -> 200
  key read deploy
  < X-As: Bearer read+deploy`, nil},
		{`RAW @ "GET /z HTTP/1.1\r\nHost: {host @}\r\nConnection: close\r\n\r\n" -> 200
  < X-Host: own.test`, nil},
		{`RAW @ "nonsense\r\n\r\n" -> 400|close`, nil},
		{`GET a /hang-up -> close`, nil},
		{`GET a / -> close`, []string{"status 200, want a closed connection"}},
	} {
		loaded, err := cases.Parse("t", []byte(test.text))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range loaded.Cases() {
			got, err := ask.Send(t.Context(), &c)
			if diff := cmp.Diff(test.wrong, got); diff != "" || err != nil {
				t.Errorf("%s\n%v (-want +got):\n%s", test.text, err, diff)
			}
		}
	}
}

// What can't be sent, or has no answer, is an error.
func TestSendFails(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(echo))
	t.Cleanup(server.Close)
	ask := cases.Sender{Dial: func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", server.Listener.Addr().String())
	}}
	for text, want := range map[string]string{
		"GET a /hang-up -> 200":          "closes without an answer",
		"GET a / -> 200\n  as owner":     "the Sender has no Cookie",
		"GET a / -> 200\n  key read":     "the Sender has no Token",
		"GET a /hang-up -> 200|404 \"\"": "closes without an answer",
	} {
		loaded, err := cases.Parse("t", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ask.Send(t.Context(), &loaded.Cases()[0]); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
