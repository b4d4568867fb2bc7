package js

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unsafe"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/internal/literal"
)

// RequestFields are the properties of a handler's request, in their order.
// [RequestField] has the value of each but headers, files and filesAll, which hold more
// than JSON does.
var RequestFields = []string{"method", "path", "query", "params", "headers", "cookies", "body", "text", "bytes", "form", "files",
	"ip", "host", "id", "queryAll", "formAll", "filesAll"}

// RequestField returns a property of the request object, except headers, files and
// filesAll.
func RequestField(r *runtime.Request, name string) runtime.Value {
	switch name {
	case "method":
		return runtime.String(r.Method)
	case "path":
		return runtime.String(r.Path)
	case "text":
		return text(r)
	case "bytes":
		return runtime.Bytes(slices.Clone(r.Body)) // the handler may write to its own
	case "ip":
		return runtime.String(r.IP)
	case "host":
		return runtime.String(r.Host)
	case "id":
		return runtime.String(r.ID)
	case "query":
		return firstValues(r.Query)
	case "queryAll":
		return objectOf(r.Query, appendStrings)
	case "cookies":
		return objectOf(r.Cookies, literal.AppendQuoted)
	case "form":
		return firstValues(r.Form)
	case "formAll":
		return objectOf(r.Form, appendStrings)
	case "params":
		return objectOf(r.Params, literal.AppendQuoted)
	case "body":
		switch {
		case r.JSON != nil:
			return runtime.JSON(r.JSON)
		case r.Form != nil:
			return firstValues(r.Form)
		case !r.IsText && len(r.Body) > 0:
			return runtime.Bytes(slices.Clone(r.Body))
		}
		return text(r)
	}
	return runtime.Undefined()
}

// text is the body as a string, or undefined if it is none: to make one of other
// bytes would lose some.
func text(r *runtime.Request) runtime.Value {
	if !r.IsText && len(r.Body) > 0 {
		return runtime.Undefined()
	}
	return runtime.String(unsafe.String(unsafe.SliceData(r.Body), len(r.Body))) // which nobody changes
}

// FileNames are the names of the fields that have files, sorted.
func FileNames(r *runtime.Request) []string { return slices.Sorted(maps.Keys(r.Files)) }

func firstValues(m map[string][]string) runtime.Value {
	return objectOf(m, func(dst []byte, v []string) []byte {
		if len(v) == 0 {
			return append(dst, `""`...)
		}
		return literal.AppendQuoted(dst, v[0])
	})
}

func appendStrings(dst []byte, list []string) []byte {
	dst = append(dst, '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = literal.AppendQuoted(dst, s)
	}
	return append(dst, ']')
}

// objectOf prints a map with its keys sorted, as Go's maps have no order.
func objectOf[M ~map[string]T, T any](m M, value func([]byte, T) []byte) runtime.Value {
	out := []byte{'{'}
	for i, k := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			out = append(out, ',')
		}
		out = literal.AppendQuoted(out, k)
		out = append(out, ':')
		out = value(out, m[k])
	}
	return runtime.JSON(json.RawMessage(append(out, '}')))
}

// HeaderField is one property of request.headers.
type HeaderField struct {
	Name  string // lower-case, enumerable
	Alias string // the canonical spelling, not enumerable; "" when it is the same
	Value string
}

// RequestHeaders returns the properties of request.headers, sorted. Several values are
// joined as RFC 9110 allows, cookies with a semicolon.
func RequestHeaders(r *runtime.Request) []HeaderField {
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
