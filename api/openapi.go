package api

import (
	"encoding/json"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

// OpenAPI returns the table of routes as an OpenAPI 3.1 document
// (https://spec.openapis.org/oas/v3.1.1.html), in JSON. Its types are those of the
// table, by reflection. version is the server's.
func OpenAPI(version string) []byte {
	d := document{schemas: make(map[string]object)}
	paths := make(object)
	for _, r := range Routes() {
		path := pathOf(r.Pattern)
		operations, ok := paths[path].(object)
		if !ok {
			operations = make(object)
			paths[path] = operations
		}
		operations[strings.ToLower(r.Method)] = d.operation(r)
	}
	errorSchema := d.schema(reflect.TypeFor[Error](), false)
	return marshal(object{
		"openapi": "3.1.1",
		"info": object{
			"title": "fazt management API", "version": version,
			"description": "Answers are JSON: {\"data\": ..., \"meta\"?: ...}, or {\"error\": {\"code\", \"message\", ...}} with the matching status.",
			"license":     object{"name": "MIT", "identifier": "MIT"},
		},
		"paths": paths,
		"components": object{
			"schemas": d.schemas,
			"responses": object{"Error": object{
				"description": "what went wrong",
				"content":     jsonContent(object{"type": "object", "required": []string{"error"}, "properties": object{"error": errorSchema}}),
			}},
			"securitySchemes": object{
				"key":     object{"type": "http", "scheme": "bearer", "description": "an API key that has the scope"},
				"session": object{"type": "apiKey", "in": "cookie", "name": "fazt_session", "description": "a session of an owner or admin"},
			},
		},
	})
}

func (h *handler) openAPI(w http.ResponseWriter, r *http.Request) error {
	health, err := h.Service.Health(r.Context())
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	_, err = w.Write(OpenAPI(health.Version))
	return err
}

type object map[string]any

// document is what is collected while a document is made.
type document struct {
	schemas map[string]object // by name
}

var pathParameter = regexp.MustCompile(`\{(\w+)(\.\.\.)?\}`)

// pathOf is a pattern of [http.ServeMux] as a path template.
func pathOf(pattern string) string { return pathParameter.ReplaceAllString(pattern, "{$1}") }

func (d *document) operation(r Route) object {
	op := object{
		"operationId": operationID(r), "summary": r.Summary, "tags": []string{tagOf(r)},
		"responses": object{"200": d.answer(r), "default": object{"$ref": "#/components/responses/Error"}},
		"security":  []object{},
	}
	if r.Scope != ScopeOpen {
		op["security"] = []object{{"key": []string{r.Scope}}, {"session": []string{}}}
	}
	if parameters := d.parameters(r); len(parameters) > 0 {
		op["parameters"] = parameters
	}
	if body := d.body(r); body != nil {
		op["requestBody"] = body
	}
	return op
}

// operationID is a name for programs that make code of a document: getApiAppsByApp.
func operationID(r Route) string {
	var b strings.Builder
	b.WriteString(strings.ToLower(r.Method))
	for part := range strings.FieldsFuncSeq(pathOf(r.Pattern), func(c rune) bool { return c == '/' || c == '.' || c == '-' || c == '_' }) {
		name, isParameter := strings.CutPrefix(part, "{")
		if isParameter {
			b.WriteString("By")
			name = strings.TrimSuffix(name, "}")
		}
		b.WriteString(strings.ToUpper(name[:1]) + name[1:])
	}
	return b.String()
}

// tagOf is the concern that a route belongs to: the first word of its path.
func tagOf(r Route) string {
	tag, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(r.Pattern, "/api"), "/"), "/")
	return strings.TrimSuffix(tag, ".json")
}

func (d *document) parameters(r Route) (list []object) {
	for _, m := range pathParameter.FindAllStringSubmatch(r.Pattern, -1) {
		p := object{"name": m[1], "in": "path", "required": true, "schema": object{"type": "string"}}
		if m[2] != "" {
			p["description"] = "a path, whose slashes stay as they are"
		}
		list = append(list, p)
	}
	for _, f := range fieldsOf(r.Request, "query") {
		list = append(list, object{
			"name": f.Tag.Get("query"), "in": "query", "description": f.Tag.Get("doc"), "schema": d.schema(f.Type, true),
		})
	}
	return list
}

// body is what a route takes besides parameters, or nil.
func (d *document) body(r Route) object {
	if fields := fieldsOf(r.Request, "form"); len(fields) > 0 {
		properties := make(object)
		for _, f := range fields {
			s := d.schema(f.Type, true)
			if f.Type == reflect.TypeFor[[]byte]() {
				s = object{"contentMediaType": "application/octet-stream"}
			}
			s["description"] = f.Tag.Get("doc")
			properties[f.Tag.Get("form")] = s
		}
		return object{"required": true, "content": object{"multipart/form-data": object{
			"schema": object{"type": "object", "properties": properties},
		}}}
	}
	if len(fieldsOf(r.Request, "json")) == 0 {
		return nil
	}
	return object{"required": true, "content": jsonContent(d.schema(reflect.TypeOf(r.Request), true))}
}

// answer is what a route answers when all is well.
func (d *document) answer(r Route) object {
	described := func(content object) object { return object{"description": r.Summary, "content": content} }
	switch a := r.Answer.(type) {
	case Media:
		return described(object{string(a): object{}})
	case Bare:
		return described(jsonContent(d.schema(reflect.TypeOf(a.Of), false)))
	}
	properties, required := object{"data": d.schema(reflect.TypeOf(r.Answer), false)}, []string{"data"}
	if reflect.TypeOf(r.Answer).Kind() == reflect.Slice {
		required = append(required, "meta")
		properties["meta"] = d.schema(reflect.TypeFor[Page](), false)
		if !takes(r, "offset") { // it goes on from an entry, and not from a number of them
			properties["meta"] = d.schema(reflect.TypeFor[cursor](), false)
		}
	}
	content := jsonContent(object{"type": "object", "required": required, "properties": properties})
	if takes(r, "follow") {
		content["text/event-stream"] = object{}
	}
	return described(content)
}

// takes reports whether a route has a parameter of the query.
func takes(r Route, name string) bool {
	return slices.ContainsFunc(fieldsOf(r.Request, "query"), func(f reflect.StructField) bool { return f.Tag.Get("query") == name })
}

func jsonContent(schema object) object {
	return object{"application/json": object{"schema": schema}}
}

// schema is a type as JSON Schema, a reference to a named one. What a request has is a
// schema of its own: it may leave out what has a default, and nothing unknown is taken.
func (d *document) schema(t reflect.Type, request bool) object {
	switch t {
	case reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case reflect.TypeFor[json.RawMessage]():
		return object{}
	case reflect.TypeFor[[]byte]():
		return object{"type": "string", "contentEncoding": "base64"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return object{"anyOf": []object{d.schema(t.Elem(), request), {"type": "null"}}}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Float32, reflect.Float64:
		return object{"type": "number"}
	case reflect.Slice, reflect.Array:
		return object{"type": "array", "items": d.schema(t.Elem(), request)}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": d.schema(t.Elem(), request)}
	case reflect.Interface:
		return object{}
	case reflect.Struct:
		return d.structSchema(t, request)
	}
	return object{"type": "integer"}
}

func (d *document) structSchema(t reflect.Type, request bool) object {
	name := t.Name()
	if name == "" || strings.ToLower(name[:1]) == name[:1] {
		return d.structBody(t, request)
	}
	if request {
		name += "Input"
	}
	if _, known := d.schemas[name]; !known {
		d.schemas[name] = nil // for a type that has itself inside
		d.schemas[name] = d.structBody(t, request)
	}
	return object{"$ref": "#/components/schemas/" + name}
}

func (d *document) structBody(t reflect.Type, request bool) object {
	properties, required := make(object), []string{}
	for _, f := range reflect.VisibleFields(t) {
		tag, ok := f.Tag.Lookup("json")
		name, options, _ := strings.Cut(tag, ",")
		if name == "-" || !f.IsExported() || f.Anonymous || !ok {
			continue
		}
		optional := strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")
		kind := f.Type
		if optional && kind.Kind() == reflect.Pointer {
			kind = kind.Elem() // it is left out rather than null
		}
		s := d.schema(kind, request)
		if doc := f.Tag.Get("doc"); doc != "" {
			s["description"] = doc
		}
		properties[name] = s
		if !optional {
			required = append(required, name)
		}
	}
	body := object{"type": "object", "properties": properties}
	if len(required) > 0 {
		body["required"] = required
	}
	if request {
		body["additionalProperties"] = false
	}
	return body
}
