// Package generate makes a data file of the version that it is compiled with, which
// all later versions are to open. It is run for each release, and for a state before
// one in a checkout of that:
//
//	FAZT_DATAFILE=0.1.0 go test ./testdata/datafiles/generate
//
// It uses no more of the API than all versions have.
package generate

import (
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/klauspost/compress/zstd"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/harnesstest"
)

const handler = `
var s = fazt.storage;
if (request.path === '/api/fill') {
	s.kv.set('greeting', {text: 'hello', n: [1, 2.5, null]});
	s.kv.set('later', 'x', 1000 * 60 * 60 * 24 * 365 * 100);
	s.kv.incr('visits', 41);
	for (var i = 0; i < 300; i++) {
		s.ds.insert('items', {id: 'i' + i, n: i % 10, text: 'item ' + i, deep: {a: [i]}});
	}
	s.ds.update('items', {n: 3}, {$set: {changed: true}});
	s.ds.delete('items', {n: 9});
	s.s3.put('pictures/dot.txt', 'a small blob', 'text/plain');
	console.warn('filled');
	respond('filled');
} else if (request.path === '/api/mine') {
	fazt.app.user.kv.set('mine', fazt.auth.getUser().email);
	respond('kept');
}`

func TestGenerate(t *testing.T) {
	name := os.Getenv("FAZT_DATAFILE")
	if name == "" {
		t.Skip("FAZT_DATAFILE says which version it is; nothing is made without")
	}
	file := filepath.Join(t.TempDir(), "data.db")
	known := map[string]string{}
	t.Run("fill", func(t *testing.T) { fill(t, file, known) })
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(known, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	write := func(suffix string, data []byte) {
		if err := os.WriteFile(filepath.Join("..", name+suffix), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(".db.zst", enc.EncodeAll(data, nil))
	write(".json", append(text, '\n'))
}

// fill makes the data file, and closes it at its end.
func fill(t *testing.T, file string, known map[string]string) {
	srv := harnesstest.Start(t, func(o *fazt.Options) { o.DataFile = file })
	for _, text := range []string{"one", "two"} { // two versions
		srv.DeployAs("notes", fstest.MapFS{
			"index.html":    {Data: []byte("<h1>" + text + "</h1>")},
			"app.js":        {Data: []byte("// " + strings.Repeat("a long file ", 1000))},
			"manifest.json": {Data: []byte(`{"name": "notes", "indexes": {"items": ["n"]}}`)},
			"api/main.js":   {Data: []byte(handler)},
		})
	}
	srv.DeployAs("kept", fstest.MapFS{"index.html": {Data: []byte("kept")}})
	app := srv.Visit("notes")
	app.SignIn("ada@example.com", "Ada", "owner")
	for _, path := range []string{"/api/fill", "/api/mine"} {
		if res := app.Get(path); res.Status != http.StatusOK {
			t.Fatalf("%s: %v", path, res)
		}
	}
	key, err := srv.Fazt.CreateKey(t.Context(), "ci", "read", "deploy")
	if err != nil {
		t.Fatal(err)
	}
	known["key"] = key
	known["cookies"] = session(t, strings.Replace(srv.URL, "127.0.0.1", "localhost", 1))
}

// session signs in on the sign-in host, and returns the cookies that it takes to be
// there.
func session(t *testing.T, base string) string {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	defer client.CloseIdleConnections()
	res, err := client.PostForm(base+"/auth/dev/callback", url.Values{"email": {"bob@example.com"}, "name": {"Bob"}, "role": {"admin"}, "back": {"/"}})
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	at, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	var cookies []string
	for _, c := range jar.Cookies(at) {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	if len(cookies) == 0 {
		t.Fatalf("no session: %v", res.Status)
	}
	return strings.Join(cookies, "; ")
}
