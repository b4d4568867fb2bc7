package bundle_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What routers answer with is an answer, with all that it has.
func TestResponseIsAnAnswer(t *testing.T) {
	type answered struct {
		Status  int
		Type    string
		Cookies []string
		Body    string
	}
	for name, tt := range map[string]struct {
		code string
		want answered
	}{
		"a text":            {"new Response('hi', { status: 201 })", answered{201, "text/plain;charset=UTF-8", nil, "hi"}},
		"a promise":         {"Promise.resolve(Response.json({ a: 1 }))", answered{200, "application/json", nil, `{"a":1}`}},
		"bytes":             {"new Response(new Uint8Array([1, 255]), { headers: { 'content-type': 'image/png' } })", answered{200, "image/png", nil, "\x01\xff"}},
		"nothing":           {"new Response(null, { status: 204 })", answered{204, "", nil, ""}},
		"cookies":           {"new Response('', { headers: [['Set-Cookie', 'a=1'], ['Set-Cookie', 'b=2']] })", answered{200, "text/plain;charset=UTF-8", []string{"a=1", "b=2"}, ""}},
		"one that was read": {"(async () => { const r = new Response('x'); await r.text(); return r; })()", answered{200, "text/plain;charset=UTF-8", nil, "x"}},
		"no Response":       {"({ made: new Response('x').status })", answered{200, "application/json", nil, `{"made":200}`}},
	} {
		t.Run(name, func(t *testing.T) {
			res, err := answer(t, files{"api/main.ts": "export default () => " + tt.code}.fs())
			if err != nil {
				t.Fatal(err)
			}
			got := answered{res.Response.Status, res.Response.ContentType, nil, string(res.Response.Body)}
			got.Cookies = res.Response.Header.Values("Set-Cookie")
			if kind := res.Response.Header.Get("Content-Type"); kind != "" {
				got.Type = kind
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
