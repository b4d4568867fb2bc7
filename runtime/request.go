package runtime

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// RequestFields are the properties of a handler's request, in their order.
// [Request.Field] has the value of each but headers and files, which hold more
// than JSON does.
var RequestFields = []string{"method", "path", "query", "params", "headers", "cookies", "body", "text", "form", "files", "ip", "host", "id", "queryAll"}

// Field returns a property of the request object, except headers and files.
func (r *Request) Field(name string) Value {
	switch name {
	case "method":
		return String(r.Method)
	case "path":
		return String(r.Path)
	case "text":
		return String(r.Text)
	case "ip":
		return String(r.IP)
	case "host":
		return String(r.Host)
	case "id":
		return String(r.ID)
	case "query":
		return firstValues(r.Query)
	case "queryAll":
		return objectOf(r.Query, appendStrings)
	case "cookies":
		return objectOf(r.Cookies, appendQuoted)
	case "form":
		return firstValues(r.Form)
	case "params":
		return JSON([]byte("{}"))
	case "body":
		switch {
		case r.JSON != nil:
			return JSON(r.JSON)
		case r.Form != nil:
			return firstValues(r.Form)
		}
		return String(r.Text)
	}
	return Undefined()
}

func firstValues(m map[string][]string) Value {
	return objectOf(m, func(dst []byte, v []string) []byte {
		if len(v) == 0 {
			return append(dst, `""`...)
		}
		return appendQuoted(dst, v[0])
	})
}

func appendStrings(dst []byte, list []string) []byte {
	dst = append(dst, '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendQuoted(dst, s)
	}
	return append(dst, ']')
}

// objectOf prints a map with its keys sorted, as Go's maps have no order.
func objectOf[M ~map[string]T, T any](m M, value func([]byte, T) []byte) Value {
	out := []byte{'{'}
	for i, k := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendQuoted(out, k)
		out = append(out, ':')
		out = value(out, m[k])
	}
	return JSON(json.RawMessage(append(out, '}')))
}

// HeaderField is one property of request.headers.
type HeaderField struct {
	Name  string // lower-case, enumerable
	Alias string // the canonical spelling, not enumerable; "" when it is the same
	Value string
}

// Headers returns the properties of request.headers, sorted. Several values are
// joined as RFC 9110 allows, cookies with a semicolon.
func (r *Request) Headers() []HeaderField {
	list := make([]HeaderField, 0, len(r.Header))
	for name, values := range r.Header {
		sep := ", "
		if name == "Cookie" {
			sep = "; "
		}
		f := HeaderField{Name: strings.ToLower(name), Alias: name, Value: strings.Join(values, sep)}
		if f.Alias == f.Name {
			f.Alias = ""
		}
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b HeaderField) int { return strings.Compare(a.Name, b.Name) })
	return list
}
