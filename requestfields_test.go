package fazt_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/harnesstest"
)

// A body reaches the handler without loss, whatever it is, and all of a form's values.
func TestRequestBodies(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	binary := "\x00\xff\xfe\x80png"
	tests := []struct{ name, kind, body, script, want string }{
		{"an image", "image/png", binary, `[typeof request.text, request.body.length || request.body.byteLength, fazt.storage.s3.put("p", request.body).size,
	fazt.storage.s3.get('p').data]`, `["undefined",7,7,"AP/+gHBuZw=="]`},
		{"no text", "text/plain", "caf\xe9", `[typeof request.text, request.bytes.length || request.bytes.byteLength]`, `["undefined",4]`},
		{"text", "text/plain", "café", `[request.text, request.body, request.bytes.length || request.bytes.byteLength]`, `["café","café",5]`},
		{"an unknown type", "application/x-thing", "abc", `[typeof request.text, typeof request.body]`, `["undefined","object"]`},
		{"JSON has bytes too", "application/json", `{"a":1}`, `[request.body, request.text, request.bytes.length || request.bytes.byteLength]`,
			`[{"a":1},"{\"a\":1}",7]`},
		{"JSON after a mark", "application/json", "\ufeff{\"a\":1}", `request.body`, `{"a":1}`},
		{"a form", form, "a=1&b=%&a=2&c=x;y&=z&d", `[request.form, request.formAll, request.files]`,
			`[{"":"z","a":"1","b":"%","c":"x;y","d":""},{"":["z"],"a":["1","2"],"b":["%"],"c":["x;y"],"d":[""]},null]`},
		{"no body", "", "", `[request.text, request.body, request.files, request.form]`, `["","",null,{}]`},
	}
	srv := harnesstest.Start(t)
	for _, engine := range []string{"otto", "goja"} {
		for _, test := range tests {
			t.Run(test.name+"/"+engine, func(t *testing.T) {
				app := srv.Deploy(files("manifest.json", `{"engine": "`+engine+`"}`, "api/main.js", "var answer = "+test.script+"; return answer;"))
				req := app.Request(http.MethodPost, "/api", strings.NewReader(test.body))
				req.Header.Set("Content-Type", test.kind)
				if res := app.Send(req); res.Status != http.StatusOK || res.Body != test.want {
					t.Errorf("%v\nwant %s", res, test.want)
				}
			})
		}
	}
}

func TestFormFiles(t *testing.T) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	add := func(disposition, text string) {
		part, err := form.CreatePart(map[string][]string{"Content-Disposition": {"form-data; " + disposition}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	add(`name="tag"`, "red")
	add(`name="tag"`, "blue")
	add(`name="pic"; filename="a%22b.png"`, "one")
	add(`name="pic"; filename="c.png"`, "two")
	add(`name="none"; filename=""`, "")
	add(`name="empty"; filename="e.txt"`, "")
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	srv := harnesstest.Start(t)
	for _, engine := range []string{"otto", "goja"} {
		app := srv.Deploy(files("manifest.json", `{"engine": "`+engine+`"}`, "api/main.js", `
function all(name) { return request.filesAll[name].map(function (f) { return [f.name, f.size]; }); }
return [request.form, request.formAll, Object.keys(request.files), request.files.pic.name, all('pic'), all('empty')];`))
		req := app.Request(http.MethodPost, "/api", bytes.NewReader(body.Bytes()))
		req.Header.Set("Content-Type", form.FormDataContentType())
		const want = `[{"tag":"red"},{"tag":["red","blue"]},["empty","pic"],"a\"b.png",[["a\"b.png",3],["c.png",3]],[["e.txt",0]]]`
		if res := app.Send(req); res.Status != http.StatusOK || res.Body != want {
			t.Errorf("%s: %v\nwant %s", engine, res, want)
		}
	}
}
