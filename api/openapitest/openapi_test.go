package openapitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/errors"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/harnesstest"
)

// parameters are what stands for the parts of a path.
var parameters = map[string]string{
	"app": "notes", "user": "ann@example.com", "path": "index.html", "label": "shop", "name": "google", "id": "none", "session": "none",
}

// bodies are what is sent to routes that take one. An answer of another route is to be
// an error, which is held against the document too.
var bodies = map[string]string{
	"PUT /api/apps/{app}":              `{"title": "Notes", "tags": ["a"]}`,
	"POST /api/apps/{app}/rollback":    `{"version": 1}`,
	"PUT /api/apps/{app}/roles/{user}": `{"role": "editor"}`,
	"POST /api/aliases":                `{"subdomain": "shop", "type": "app", "targets": [{"app_id": "notes", "version": 1}]}`,
	"PUT /api/aliases/{label}":         `{"type": "redirect", "url": "https://example.com"}`,
	"POST /api/aliases/{label}/split":  `{"targets": [{"app": "notes", "weight": 60}, {"app": "notes", "version": 1, "weight": 40}]}`,
	"POST /api/aliases/swap":           `{"a": "shop", "b": "other"}`,
	"PUT /api/users/{user}":            `{"name": "Ann"}`,
	"POST /api/invites":                `{"uses": 2}`,
	"POST /api/keys":                   `{"name": "ci", "scopes": ["deploy"]}`,
	"PUT /api/auth/providers/{name}":   `{"client_id": "x", "client_secret": "y"}`,
	"PUT /api/apps/{app}/env":          `{"vars": {"OTHER": "y"}}`,
	"PUT /api/apps/{app}/env/{name}":   `{"value": "x"}`,
	"POST /api/login":                  `{"email": "ann@example.com", "password": "wrong"}`,
}

// queries are parameters that are sent with some.
var queries = map[string]string{
	"GET /api/audit":           "action=app&limit=1&since=2020-01-01T00:00:00Z",
	"GET /api/apps":            "offset=0&limit=1",
	"GET /api/apps/{app}/logs": "limit=1",
	"DELETE /api/apps/{app}":   "keep_data=1",
}

// fails are routes whose answer here is an error; all others do what they are for.
var fails = regexp.MustCompile(`^(POST /api/login|GET /api/me|GET /api/users/me|DELETE /api/(invites|keys|sessions)/.*)$`)

var pathParameter = regexp.MustCompile(`\{(\w+)(\.\.\.)?\}`)

// rank puts what removes last, the inner before the outer, and what makes first.
func rank(r api.Route) int {
	if r.Method == http.MethodDelete {
		return 100 - strings.Count(r.Pattern, "/")
	}
	return slices.Index([]string{"POST", "PUT", "GET"}, r.Method)
}

// TestOpenAPI asks every route of the table, and holds the request and its answer
// against the document that the same server gives.
func TestOpenAPI(t *testing.T) {
	srv := harnesstest.Start(t)
	for range 2 {
		if _, err := srv.Fazt.Deploy(t.Context(), "notes", fstest.MapFS{
			"index.html": {Data: []byte("hello")}, "api/main.js": {Data: []byte(`console.log('hi'); respond({n: fazt.storage.kv.incr('n')})`)},
		}); err != nil {
			t.Fatal(err)
		}
	}
	app := srv.Deploy(fstest.MapFS{"api/main.js": {Data: []byte(`respond(1)`)}})
	app.SignIn("ann@example.com", "Ann", "user")
	app.Get("/api")
	key, err := srv.Fazt.CreateKey(t.Context(), "test", "admin")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := srv.Fazt.SetAlias(t.Context(), api.Alias{Label: "other", Type: api.AliasReserved}); err != nil {
		t.Fatal(err)
	}
	ask := func(method, path, contentType string, body []byte) (*http.Request, *http.Response) {
		t.Helper()
		req, err := http.NewRequest(method, srv.URL+path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		if contentType != "" {
			req.Header.Set("Content-Type", contentType)
		}
		res, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		req.Body, res.Body = io.NopCloser(bytes.NewReader(body)), io.NopCloser(bytes.NewReader(text))
		return req, res
	}
	_, res := ask(http.MethodGet, "/api/openapi.json", "", nil)
	text, _ := io.ReadAll(res.Body)
	doc, err := libopenapi.NewDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	v, failures := validator.NewValidator(doc)
	if failures != nil {
		t.Fatal(failures)
	}
	if ok, problems := v.ValidateDocument(); !ok {
		report(t, "the document", problems)
	}

	routes := api.Routes()
	slices.SortStableFunc(routes, func(a, b api.Route) int { return rank(a) - rank(b) })
	for _, r := range routes {
		name := r.Method + " " + r.Pattern
		path := pathParameter.ReplaceAllStringFunc(r.Pattern, func(p string) string {
			value, ok := parameters[pathParameter.FindStringSubmatch(p)[1]]
			if !ok {
				value = "x"
			}
			return url.PathEscape(value)
		})
		if q := queries[name]; q != "" {
			path += "?" + q
		}
		contentType, body := "", []byte(nil)
		if given, ok := bodies[name]; ok {
			contentType, body = "application/json", []byte(given)
		} else if takesBody(t, text, r) {
			contentType, body = "application/json", []byte("{}")
		}
		req, res := ask(r.Method, path, contentType, body)
		switch ok := res.StatusCode < 300; {
		case res.StatusCode == http.StatusInternalServerError, known(name) && ok == fails.MatchString(name):
			shown, _ := io.ReadAll(res.Body)
			t.Errorf("%s: %d %s", name, res.StatusCode, shown)
			res.Body = io.NopCloser(bytes.NewReader(shown))
		}
		if ok, problems := v.ValidateHttpResponse(req, res); !ok {
			report(t, name+" answered", problems)
		}
		if !known(name) {
			continue // its body is made up
		}
		if ok, problems := v.ValidateHttpRequest(req); !ok {
			report(t, name+" was asked", problems)
		}
	}
}

// known reports whether a route is asked as its callers would.
func known(name string) bool {
	_, ok := bodies[name]
	return ok || strings.HasPrefix(name, "GET ") || strings.HasPrefix(name, "DELETE ")
}

// takesBody reports whether the document has a JSON body for a route.
func takesBody(t *testing.T, doc []byte, r api.Route) bool {
	t.Helper()
	var d struct {
		Paths map[string]map[string]struct {
			RequestBody struct {
				Content map[string]any `json:"content"`
			} `json:"requestBody"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(doc, &d); err != nil {
		t.Fatal(err)
	}
	_, ok := d.Paths[pathParameter.ReplaceAllString(r.Pattern, "{$1}")][strings.ToLower(r.Method)].RequestBody.Content["application/json"]
	return ok
}

func report(t *testing.T, what string, problems []*errors.ValidationError) {
	t.Helper()
	seen := make(map[string]bool)
	for _, p := range problems {
		for _, s := range p.SchemaValidationErrors {
			seen[fmt.Sprintf("%s: %s at %s", p.Message, s.Reason, s.KeywordLocation)] = true
		}
		seen[p.Error()] = true
	}
	t.Errorf("%s:\n  %s", what, strings.Join(slices.Sorted(maps.Keys(seen)), "\n  "))
}
