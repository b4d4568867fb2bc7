package runtime

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// What the messages of an engine leave out: the place of an answer that can't be sent,
// and what its author can do about it.

// handlerStart is where a handler begins, in the order in which it is looked for.
var handlerStart = []*regexp.Regexp{
	regexp.MustCompile(`(?m)^[ \t]*(?:export default |module\.exports\s*=)`),
	regexp.MustCompile(`(?m)^[ \t]*(?:export )?(?:async )?function handler\b`),
	regexp.MustCompile(`(?m)^[ \t]*(?:var|let|const) handler\b`),
}

// placeHandler gives a failure that no step of the program has, such as an answer that
// can't be sent, the place of the handler: nobody knows where its value was made. The
// same goes for a run that was stopped where its engine knew no place.
func (e *Error) placeHandler(unit Unit) {
	if e.File != "" || e.Code == CodeInternal || e.Code == CodeCanceled {
		return
	}
	text := unit.Files[unit.Main]
	e.File = unit.Main // and no line, where it is not evident which
	for _, start := range handlerStart {
		if at := start.FindStringIndex(text); at != nil {
			head := text[:at[1]-len(strings.TrimLeft(text[at[0]:at[1]], " \t"))]
			e.Line, e.Column = 1+strings.Count(head, "\n"), len(head)-strings.LastIndexByte(head, '\n')
			return
		}
	}
}

// missingGlobals are names that other places have and handlers don't, with what there is
// instead.
var missingGlobals = map[string]string{
	"process": "variables of the environment are had by fazt.env.get(name)", "Buffer": "use Uint8Array with TextEncoder, atob and btoa",
	"fetch": "a handler reaches no other server", "XMLHttpRequest": "a handler reaches no other server",
	"WebSocket": "a handler reaches no other server", "EventSource": "a handler reaches no other server",
	"setInterval": "a handler ends with its answer", "clearInterval": "a handler ends with its answer",
	"setImmediate": "use setTimeout(f, 0)", "clearImmediate": "use setTimeout and clearTimeout",
	"WebAssembly": "look for a package in plain JavaScript", "SharedArrayBuffer": "a handler has one thread", "Worker": "a handler has one thread",
	"BroadcastChannel": "a handler has one thread", "MessageChannel": "a handler has one thread",
	"window": "a handler has no page", "document": "a handler has no page", "navigator": "a handler has no browser",
	"location": "the request's address is in request.host and request.path", "history": "a handler has no page",
	"localStorage": "use fazt.storage.kv", "sessionStorage": "use fazt.storage.kv", "indexedDB": "use fazt.storage.ds", "caches": "use fazt.storage.kv",
	"alert": "use console.log", "__dirname": "files are read by fazt.private", "__filename": "files are read by fazt.private",
	"Deno": "this is not Deno", "Bun": "this is not Bun", "HTMLElement": "a handler has no page", "Image": "a handler has no page",
	"requestAnimationFrame": "a handler has no page", "Response": "answer by respond(status, body, headers), or give the handler a default export", "Request": "the request is the handler's parameter; a handler with a default export has Request",
	"Headers": "headers are plain objects; a handler with a default export has Headers", "FormData": "fields are in request.form, files in request.files", "DOMException": "throw an Error, with a name of its own", "Blob": "use Uint8Array", "File": "uploads are in request.files",
	"ReadableStream": "answer with the whole body, or by fazt.storage.s3.serve", "WritableStream": "answer with the whole body", "TransformStream": "answer with the whole body",
	"CompressionStream": "answers need no compression", "DecompressionStream": "look for a package in plain JavaScript",
	"FinalizationRegistry": "an interpreter ends with the request", "WeakRef": "an interpreter ends with the request; keep the object itself, or use a WeakMap",
}

// MissingGlobals are the names of missingGlobals, which are none of a handler's globals but
// of those of other servers or of browsers.
func MissingGlobals() []string { return slices.Sorted(maps.Keys(missingGlobals)) }

// MissingGlobal tells whether a name is one of [MissingGlobals], and what there is instead.
func MissingGlobal(name string) (instead string, ok bool) {
	instead, ok = missingGlobals[name]
	return instead, ok
}

// NoGlobal is the error of a program that wants one of [MissingGlobals], without a place.
func NoGlobal(name string) *Error {
	return &Error{Code: CodeUnsupported, Message: "there is no " + name + " in a handler", Hint: missingGlobals[name]}
}

// misnamed are names that authors of other servers use for what is called otherwise here.
var misnamed = map[string]string{
	"req": "the request is called request", "res": "use respond, or return the answer", "response": "use respond, or return the answer",
	"ctx": "the request is called request", "db": "use fazt.storage", "env": "use fazt.env.get",
}

var (
	noObject   = regexp.MustCompile(`^Cannot (?:read property|access member) ['"](\w+)['"] of [a-z ]+$`)
	noFunction = regexp.MustCompile(`is not a function$|^undefined is neither`)
	firstWord  = regexp.MustCompile(`^\w+`)
	notDefined = regexp.MustCompile(`^'?(\w+)'? is not defined$`)
	isResponse = regexp.MustCompile(`^\{"status":\d+[,}]`) // the JSON of what was thrown
	thrown     = regexp.MustCompile(`^(?:throw\s+)?(?:null|undefined|\{)`)
	hostPath   = regexp.MustCompile(`^([A-Za-z_$][\w$]*)((?:\??\.[A-Za-z_$][\w$]*)+)\s*(\(?)`)
)

// otherWords are messages of engines that name their Go functions or say it otherwise than
// it is, and what other engines say. goja says "of undefined" of null, too.
var otherWords = []struct {
	said *regexp.Regexp
	say  string
}{
	{regexp.MustCompile(`^Object\.Create is nil$`), "Object prototype may only be an Object or null"},
	{regexp.MustCompile(`^Object\.DefineOwnProperty: .*`), "Cannot define a property that can't be changed, or on an object that is not extensible"},
	{regexp.MustCompile(`^Cannot read property '(.*)' of undefined(?: or null)?$`), "Cannot read property '$1' of null or undefined"},
	{regexp.MustCompile(`^Value is not an object: (.*)$`), "$1 is neither a function nor an object"},
	{regexp.MustCompile(`^Object has no member '(.*)'$`), "$1 is not a function"},
	{regexp.MustCompile(`^Value is not object coercible$`), "Cannot take null or undefined apart"},
	{regexp.MustCompile(`^Dynamic object is not callable$`), "what is called here is not a function"},
	{regexp.MustCompile(`^invalid kind \w+ for (in|instanceof) \(expected object\)$`), "Right-hand side of '$1' is not an object"},
}

// advise says what to do about the commonest errors of a run.
func (e *Error) advise(host *Host, limits Limits, source string) {
	if e.Hint != "" || e.Code != CodeHandler {
		return
	}
	head := e.Name + ": " + e.Message // of the stack
	for _, w := range otherWords {
		e.Message = w.said.ReplaceAllString(e.Message, w.say)
	}
	if rest, ok := strings.CutPrefix(e.Stack, head); ok {
		e.Stack = e.Name + ": " + e.Message + rest
	}
	switch {
	case e.Name == "AggregateError" && e.Message == "":
		e.Hint = "every promise that Promise.any was given is rejected; the error's errors say why"
	case e.Message == "":
		e.Hint = "what was thrown has no message: throw new Error('...') says why"
	case e.Name == "" && isResponse.MatchString(e.Message):
		e.Hint = "an answer is not thrown: return it, as in return respond(404)"
	case e.Name == "" && thrown.MatchString(e.rest()):
		e.Hint = "what is thrown is no Error, so it says no more: throw new Error('...') has a stack"
	}
	switch m := notDefined.FindStringSubmatch(e.Message); {
	case e.Name == "ReferenceError" && m != nil:
		e.Hint = cmp.Or(missingGlobals[m[1]], misnamed[m[1]], "declare it, or is it misspelled?")
	case e.Name == "RangeError" && e.Message == "Maximum call stack size exceeded":
		e.Hint = fmt.Sprintf("%d calls may nest: look for a function that calls itself without an end", limits.StackDepth)
	case e.Name != "TypeError":
	case noObject.MatchString(e.Message):
		e.Hint = cmp.Or(host.missing(e.rest(), source), misnamed[firstWord.FindString(e.rest())], "check first that what stands before ."+noObject.FindStringSubmatch(e.Message)[1]+" is there")
	case noFunction.MatchString(e.Message):
		e.Hint = cmp.Or(host.missing(e.rest(), source), "is its name misspelled?")
	}
}

// rest is the source line from the error on.
func (e *Error) rest() string {
	if e.Column < 1 || e.Column > len(e.SourceLine) {
		return ""
	}
	return e.SourceLine[e.Column-1:]
}

// missing says which part of a name that the text begins with the host doesn't have, and
// what it has there. The name may begin with a variable of the file's for a part of the
// host, such as kv.
func (h *Host) missing(text, source string) string {
	m := hostPath.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	path := hostName(m[1], source, 4)
	if path == "" {
		return ""
	}
	parts := strings.Split(path+strings.ReplaceAll(m[2], "?", ""), ".")
	at, path := h.root.Part(parts[0]), parts[0]
	for _, part := range parts[1:] {
		if at == nil || len(at.Names()) == 0 {
			return ""
		}
		next := at.Part(part)
		if next == nil {
			return fmt.Sprintf("there is no %s.%s; %s has %s", path, part, path, strings.Join(at.Names(), ", "))
		}
		at, path = next, path+"."+part
	}
	if m[3] != "" && len(at.Names()) > 0 {
		return fmt.Sprintf("%s is no function; it has %s", path, strings.Join(at.Names(), ", "))
	}
	return ""
}

// mostAdvised is how long a file is that is looked through for advice, which no budget
// covers.
const mostAdvised = 64 << 10

// hostName is the part of the host that a variable stands for by its declaration, as in
// var kv = fazt.storage.kv or const { kv } = fazt.storage; "" if that is not evident.
func hostName(name, source string, steps int) string {
	switch {
	case name == "fazt":
		return name
	case steps == 0 || len(source) > mostAdvised:
		return ""
	}
	quoted := regexp.QuoteMeta(name)
	alone := regexp.MustCompile(`(?:\b(?:var|let|const)|,)\s+` + quoted + `\s*=\s*([\w$.]+)\s*(?:[;,\n]|$)`)
	if m := alone.FindStringSubmatch(source); m != nil {
		first, rest, dotted := strings.Cut(m[1], ".")
		if whole := hostName(first, source, steps-1); whole != "" && dotted {
			return whole + "." + rest
		} else if whole != "" {
			return whole
		}
		return ""
	}
	apart := regexp.MustCompile(`\{[^{}]*?(?:([\w$]+)\s*:\s*)?\b` + quoted + `\s*(?:,[^{}]*)?\}\s*=\s*([\w$.]+)\s*(?:[;,\n]|$)`)
	if m := apart.FindStringSubmatch(source); m != nil {
		first, rest, dotted := strings.Cut(m[2], ".")
		whole := hostName(first, source, steps-1)
		switch {
		case whole == "":
			return ""
		case dotted:
			whole += "." + rest
		}
		return whole + "." + cmp.Or(m[1], name)
	}
	return ""
}

// adviseSyntax says what to do about source that doesn't parse.
func (e *Error) adviseSyntax() {
	if e.Code != CodeSyntax && e.Code != CodeUnsupported || e.Column < 1 || e.Column-1 > len(e.SourceLine) || e.Hint != "" {
		return
	}
	before, rest := strings.TrimRight(e.SourceLine[:e.Column-1], " \t"), e.SourceLine[e.Column-1:]
	switch {
	case e.Message == "Unexpected end of the file":
		e.Hint = "a closing brace, bracket or parenthesis is missing"
	case strings.HasSuffix(before, "await"):
		e.Hint = "await may stand in async functions only: write async before function"
	case strings.HasPrefix(e.Message, "Unexpected token ILLEGAL") && strings.IndexAny(rest, `"'`) == 0:
		e.Message, e.Hint = "Invalid or unexpected token", "the text that begins here has no end on its line"
	case strings.HasPrefix(e.Message, "Unexpected token ILLEGAL"):
		e.Message, e.Hint = "Invalid or unexpected token", "take the character out, or put it into quotes"
	case strings.HasSuffix(e.Message, "has already been declared"):
		e.Hint = "give one of the two another name"
	case e.Code == CodeSyntax && strings.HasPrefix(rest, "/") && !strings.HasPrefix(e.Message, "Unexpected"):
		e.Message = "Invalid regular expression: " + strings.TrimPrefix(e.Message, "Invalid regular expression: ")
		e.Hint = "put a backslash before what stands for itself"
	case strings.HasPrefix(e.Message, "Unexpected token "):
		token := strings.TrimPrefix(e.Message, "Unexpected token ")
		e.Message, e.Hint = "Unexpected token '"+token+"'", "look here and just before for what is missing or too much"
	}
}
