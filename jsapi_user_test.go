package fazt_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/harnesstest"
)

// TestUserStores: what a handler keeps for its visitor, it finds for that visitor
// alone, by every function of every store, on both engines.
func TestUserStores(t *testing.T) {
	const js = `
		var own = fazt.app.user, all = fazt.storage;
		function write(s, what) {
			s.kv.set('k', what);
			s.ds.insert('c', {id: 'd', v: what});
			s.s3.put('f.txt', what);
			s.batch([{kv: 'set', key: 'b', value: what}]);
			s.kv.incr('n', what.length);
		}
		function read(s) {
			var doc = s.ds.findOne('c', 'd'), blob = s.s3.get('f.txt');
			return {
				kv: s.kv.get('k'), batch: s.kv.get('b'), n: s.kv.get('n'), keys: s.kv.list().map(function (e) { return e.key }),
				version: s.kv.getVersion('k') > 0, doc: doc && doc.v, count: s.ds.count('c'), found: s.ds.find('c').length,
				blob: blob && atob(blob.data), blobs: s.s3.list().map(function (e) { return e.path }),
				bytes: !!s.s3.getBytes('f.txt')
			};
		}
		switch (request.path) {
		case '/api/write': write(own, request.query.what); respond('ok'); break;
		case '/api/all': write(all, 'of the app'); respond('ok'); break;
		case '/api/read': respond({own: read(own), app: read(all), alias: read(fazt.app)}); break;
		case '/api/serve': return own.s3.serve('f.txt');
		case '/api/url': respond(own.s3.url('f.txt')); break;
		case '/api/delete':
			respond([own.kv.delete('k'), own.ds.delete('c', {}), own.s3.delete('f.txt'), own.ds.deleteOldest('c', 0)]); break;
		case '/api/each':
			var calls = {
				'kv.get': ['k'], 'kv.set': ['k', 1], 'kv.delete': ['k'], 'kv.incr': ['n'], 'kv.list': [], 'kv.getVersion': ['k'],
				'kv.setIf': ['k', 1, 0], 'ds.insert': ['c', {}], 'ds.insertMany': ['c', [{}]], 'ds.find': ['c'],
				'ds.findOne': ['c', 'd'], 'ds.update': ['c', {}, {v: 1}], 'ds.upsert': ['c', {}, {v: 1}], 'ds.delete': ['c', {}],
				'ds.count': ['c'], 'ds.deleteOldest': ['c', 0], 's3.put': ['f', 'x'], 's3.get': ['f'], 's3.getBytes': ['f'],
				's3.delete': ['f'], 's3.list': [], 's3.serve': ['f'], 's3.url': ['f'], 'batch': [[{kv: 'set', key: 'k', value: 1}]]
			};
			var codes = {};
			Object.keys(calls).forEach(function (name) {
				var parts = name.split('.'), on = parts.length > 1 ? own[parts[0]] : own;
				try { on[parts[parts.length - 1]].apply(on, calls[name]); codes[name] = 'none' } catch (e) { codes[name] = e.code }
			});
			var missing = [];
			['kv', 'ds', 's3'].forEach(function (store) {
				Object.keys(all[store]).forEach(function (f) { if (!calls[store + '.' + f]) missing.push(store + '.' + f) });
			});
			respond({codes: codes, missing: missing});
		}`
	srv := harnesstest.Start(t)
	for _, engine := range []string{"otto", "goja"} {
		t.Run(engine, func(t *testing.T) {
			app := srv.Deploy(files("api/main.js", js, "manifest.json", `{"engine": "`+engine+`"}`))
			ann, bob, stranger := app, app.Another(), app.Another()
			ann.SignIn("ann@example.com", "Ann", "user")
			bob.SignIn("bob@example.com", "Bob", "owner") // of the server, and yet not of Ann's data
			ok := func(a *harnesstest.App, path, want string) {
				t.Helper()
				if res := a.Get(path); res.Status != http.StatusOK || want != "" && res.Body != want {
					t.Errorf("%s: %v", path, res)
				}
			}
			ok(ann, "/api/write?what=Ann's", "ok")
			nothing := `{"keys":[],"version":false,"doc":null,"count":0,"found":0,"blob":null,"blobs":[],"bytes":false}`
			full := func(what string) string {
				return strings.NewReplacer("WHAT", what, "LENGTH", strconv.Itoa(len(what))).Replace(
					`{"kv":"WHAT","batch":"WHAT","n":LENGTH,"keys":["b","k","n"],"version":true,"doc":"WHAT","count":1,"found":1,` +
						`"blob":"WHAT","blobs":["f.txt"],"bytes":true}`)
			}
			state := func(own, all string) string { return `{"own":` + own + `,"app":` + all + `,"alias":` + all + `}` }
			ok(ann, "/api/read", state(full("Ann's"), nothing))
			ok(bob, "/api/read", state(nothing, nothing))
			ok(bob, "/api/write?what=Bob", "ok")
			ok(stranger, "/api/all", "ok")
			ok(ann, "/api/read", state(full("Ann's"), full("of the app")))
			ok(bob, "/api/delete", "[true,1,true,0]")
			ok(ann, "/api/read", state(full("Ann's"), full("of the app")))
			ok(ann, "/api/serve", "Ann's")
			if res := bob.Get("/api/serve"); res.Status != http.StatusNotFound {
				t.Errorf("Bob's, which he has deleted: %v", res)
			}

			// The link that Ann's handler signs is for her blob; another user's name in it
			// is not what was signed.
			link := ann.Get("/api/url").Body
			ok(stranger, link, "Ann's")
			u, err := url.Parse(link)
			if err != nil {
				t.Fatal(err)
			}
			q := u.Query()
			if q.Get("user") == "" {
				t.Fatalf("the link names no user: %s", link)
			}
			q.Del("user")
			if res := stranger.Get(u.Path + "?" + q.Encode()); res.Status != http.StatusForbidden {
				t.Errorf("the app's blob by a link for Ann's: %v", res)
			}

			res := stranger.Get("/api/each")
			var answer struct {
				Codes   map[string]string
				Missing []string
			}
			if err := json.Unmarshal([]byte(res.Body), &answer); err != nil {
				t.Fatal(err, res)
			}
			if len(answer.Missing) > 0 {
				t.Errorf("not tried: %q", answer.Missing)
			}
			for call, code := range answer.Codes {
				if code != "LOGIN_REQUIRED" {
					t.Errorf("without a user, %s: %s", call, code)
				}
			}
		})
	}
}
