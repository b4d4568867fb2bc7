package js

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/internal/literal"
)

// Reply is what a handler left behind, for [Answer].
type Reply[V any] struct {
	Value V  // what it ended with
	Last  *V // the last respond(), if there was one
	// Made tells whether respond() or a host function made an object, and the
	// stream that it stands for.
	Made func(V) (stream any, ok bool)
	// Warn is told what of the answer JSON loses.
	Warn func(text string)
	// Settle waits for a promise, and returns any other value as it is. It is nil for
	// an engine without promises.
	Settle func(V) (V, error)
}

// Answer turns a handler's end into a response: the response object that it
// ended with, else the last respond(), else the value that it ended with. An
// object is a response when respond() made it, or when its only keys are among
// status, headers and body. A body may be longer than the limits allow: runtime
// refuses it, whatever it is. The error is an [*Error], and then nothing is sent.
func Answer[V any](r Reader[V], limits runtime.Limits, reply Reply[V]) (runtime.Response, error) {
	v := reply.Value
	if shown, ok := webAnswer(r, v); ok {
		return responseOf(r, limits, shown, reply, 0)
	}
	ok, keys := isResponse(r, v, reply.Made)
	switch {
	case ok:
		return responseOf(r, limits, v, reply, 0)
	case reply.Last != nil:
		return responseOf(r, limits, *reply.Last, reply, 0)
	}
	res := runtime.Response{Status: http.StatusOK}
	err := writeBody(r, limits, &res, v, keys, reply.Warn)
	return res, err
}

// Methods by which the classes of package bundle show what they have: a Response its
// {status, headers, body}, and Headers an object with a list of values for each name. Their
// names are in bundle/web/fetch.js, too. Nothing that comes as JSON can have such a method.
const (
	WebAnswer  = "(fazt answer)"
	WebHeaders = "(fazt headers)"
)

// webAnswer is what a Response of package bundle stands for.
func webAnswer[V any](r Reader[V], v V) (shown V, ok bool) {
	if r.Kind(v) != KindObject {
		return v, false
	}
	return r.Web(v, WebAnswer)
}

// Respond is what respond() makes a response of, if its body is a Response of package
// bundle, and ok is false for any other body. The error is a [*runtime.HostError] for
// JavaScript: a second status and other headers say nothing of which are meant.
func Respond[V any](r Reader[V], args []V) (shown V, ok bool, err error) {
	for i, v := range args[:min(len(args), 2)] {
		if shown, ok = webAnswer(r, v); ok && (i > 0 || len(args) > 1) {
			return shown, false, &runtime.HostError{Name: "TypeError", Message: "respond: " + ownStatus}
		} else if ok {
			return shown, true, nil
		}
	}
	return shown, false, nil
}

// ownStatus is what is wrong with a Response as the body of another response.
const ownStatus = "a Response has a status and headers of its own; write return response, or respond(response), and give them to it: new Response(body, {status: 201, headers: {...}})"

// ReadOnTheWay are the keys of an object that say more of an answer than what to print:
// their values are looked into before it is sent.
var ReadOnTheWay = map[string]bool{"status": true, "headers": true, "toJSON": true, "then": true, "__proto__": true}

// PassedOn reports whether what a host function returned is sent unread: a list, or an
// object inside of an answer.
func PassedOn(v runtime.Value, inside bool) bool {
	if v.Kind() != runtime.KindJSON || len(v.Raw()) == 0 {
		return false
	}
	first := v.Raw()[0]
	return first == '[' || inside && first == '{'
}

// Unread are the texts that a run passes on, each with the object that stands for it.
type Unread[V comparable] struct {
	texts []unreadText[V]
	next  int // the first that was not asked for, mostly
}

type unreadText[V comparable] struct {
	object V
	text   []byte
}

// Put keeps a text.
func (u *Unread[V]) Put(object V, text []byte) {
	u.texts = append(u.texts, unreadText[V]{object, text})
}

// Text returns what an object stands for. They are asked for mostly in the order in
// which they came.
func (u *Unread[V]) Text(object V) (text []byte, ok bool) {
	for range u.texts {
		at := &u.texts[u.next]
		u.next = (u.next + 1) % len(u.texts)
		if at.object == object {
			return at.text, true
		}
	}
	return nil, false
}

// isResponse also returns the keys of an object that is none, as far as they are
// what its text needs: not when it has a toJSON of its own.
func isResponse[V any](r Reader[V], v V, made func(V) (any, bool)) (bool, []string) {
	if r.Kind(v) != KindObject {
		return false, nil
	}
	if _, ok := made(v); ok {
		return true, nil
	}
	keys := r.Keys(v)
	for _, k := range keys {
		if k != "status" && k != "headers" && k != "body" {
			if slices.Contains(keys, "toJSON") {
				keys = nil
			}
			return false, keys
		}
	}
	return len(keys) > 0, nil
}

func badResponse(format string, args ...any) error {
	return &runtime.Error{Code: runtime.CodeHandler, Name: "TypeError", Message: fmt.Sprintf(format, args...)}
}

func responseOf[V any](r Reader[V], limits runtime.Limits, v V, reply Reply[V], inside int) (runtime.Response, error) {
	res := runtime.Response{Status: http.StatusOK}
	if status := r.Get(v, "status"); r.Kind(status) > runtime.KindUndefined {
		f := math.NaN()
		if r.Kind(status) == runtime.KindNumber {
			f = r.Number(status)
		}
		if f != math.Trunc(f) || f < 200 || f > 599 {
			// 1xx is no answer: it announces one, and HTTP has it sent by the server.
			return res, badResponse("a response's status must be a whole number from 200 to 599; to send an object with a key named status, use respond(object)")
		}
		res.Status = int(f)
	}
	if err := readHeaders(r, &res, r.Get(v, "headers")); err != nil {
		return res, err
	}
	if res.Stream, _ = reply.Made(v); res.Stream != nil {
		return res, nil
	}
	body := r.Get(v, "body")
	if reply.Settle != nil {
		var err error
		if body, err = reply.Settle(body); err != nil {
			return res, err
		}
	}
	if r.Kind(body) == KindObject {
		if _, ok := reply.Made(body); ok {
			return sent(r, limits, res, body, reply, inside)
		}
		if _, ok := webAnswer(r, body); ok {
			return res, badResponse("the body is a Response: %s", ownStatus)
		}
	}
	err := writeBody(r, limits, &res, body, nil, reply.Warn)
	return res, err
}

// maxInside is how many responses may be inside one another, each as the body of the
// next.
const maxInside = 16

// sent is the response that a body is, with the status and the headers of the one around it.
func sent[V any](r Reader[V], limits runtime.Limits, around runtime.Response, body V, reply Reply[V], inside int) (runtime.Response, error) {
	if inside == maxInside {
		return around, badResponse("more than %d responses are inside one another", maxInside)
	}
	res, err := responseOf(r, limits, body, reply, inside+1)
	if err != nil {
		return around, err
	}
	res.Status = around.Status
	if res.Header == nil {
		res.Header = make(http.Header)
	}
	maps.Copy(res.Header, around.Header)
	return res, nil
}

func readHeaders[V any](r Reader[V], res *runtime.Response, headers V) error {
	switch r.Kind(headers) {
	case runtime.KindUndefined, runtime.KindNull:
		return nil
	case KindObject:
		if shown, ok := r.Web(headers, WebHeaders); ok {
			headers = shown
		} else if r.Class(headers) != "" || !r.Plain(headers) {
			return notPlain(r.Class(headers))
		}
	default:
		return notPlain("")
	}
	res.Header = make(http.Header)
	left := maxHeaderBytes
	for _, name := range r.Keys(headers) {
		v := r.Get(headers, name)
		if k := r.Kind(v); k > runtime.KindNull && http.CanonicalHeaderKey(name) != "Set-Cookie" {
			res.Header.Del(name) // in another spelling: the last one counts, but no cookie is lost
		}
		if r.Kind(v) != KindArray {
			if err := addHeader(r, res.Header, name, v, &left); err != nil {
				return err
			}
			continue
		}
		for i := range r.Len(v) {
			if err := addHeader(r, res.Header, name, r.Index(v, i), &left); err != nil {
				return err
			}
		}
	}
	return nil
}

// notPlain is the error of headers that would be lost.
func notPlain(class string) error {
	hint := ""
	if class == "Map" {
		hint = "; make one of a Map by Object.fromEntries(map)"
	}
	return badResponse("a response's headers must be a plain object, such as {'x-name': 'value'}%s", hint)
}

func addHeader[V any](r Reader[V], h http.Header, name string, v V, left *int) error {
	if len(name) > maxHeaderBytes {
		return badResponse("the response headers have more than %d KiB", maxHeaderBytes>>10)
	}
	var value string
	switch r.Kind(v) {
	case runtime.KindUndefined, runtime.KindNull:
		return nil
	case runtime.KindString:
		value = r.String(v)
	case runtime.KindNumber:
		value = literal.FormatNumber(r.Number(v))
	case runtime.KindBool:
		value = fmt.Sprint(r.Bool(v))
	default:
		return badResponse("response header %q must be a string, or an array of strings", name)
	}
	if !validHeaderName(name) {
		return badResponse("%q is not a name for a response header", name)
	}
	switch strings.ToLower(name) {
	case "content-length", "transfer-encoding", "connection", "trailer", "upgrade":
		return badResponse("response header %q is the server's to set", name)
	}
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return badResponse("response header %q has a line break or a control character in its value", name)
		}
	}
	if *left -= len(name) + len(value) + len(": \r\n"); *left < 0 {
		return badResponse("the response headers have more than %d KiB", maxHeaderBytes>>10)
	}
	h.Add(name, value)
	return nil
}

// maxHeaderBytes bounds a response's headers; browsers and proxies refuse
// larger ones.
const maxHeaderBytes = 64 << 10

// validHeaderName tells a token of RFC 9110, section 5.6.2.
func validHeaderName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0) {
			return false
		}
	}
	return s != ""
}

// usualBody is room for most answers, so that they don't grow step by step.
const usualBody = 256

// writeBody sends a value. If it is an object, its keys may be known.
func writeBody[V any](r Reader[V], limits runtime.Limits, res *runtime.Response, body V, keys []string, warn func(string)) error {
	switch kind := r.Kind(body); kind {
	case runtime.KindUndefined, runtime.KindNull:
		return nil
	case runtime.KindString:
		res.Body = []byte(r.String(body))
		res.ContentType = "text/plain; charset=utf-8"
	case runtime.KindBytes:
		res.Body = r.Bytes(body)
		res.ContentType = "application/octet-stream"
	default:
		out, ok, err := appendAnswer(make([]byte, 0, usualBody), r, body, limits.ResponseBytes, keys, warn)
		if errors.Is(err, errTooLarge) {
			res.Body = out // which runtime refuses for its size
			return nil
		}
		if err != nil {
			return badResponse("the response body can't be sent as JSON: %v", err)
		}
		if !ok {
			return badResponse("the response body is %s, which can't be sent", kindName(kind))
		}
		res.Body = out
		res.ContentType = "application/json"
	}
	if res.Header.Get("Content-Type") == "" {
		res.Header.Del("Content-Type") // an empty one says no more than none
	}
	return nil
}
