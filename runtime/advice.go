package runtime

import (
	"fmt"
	"regexp"
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
	e.File, e.Line, e.Column = unit.Main, 1, 1
	for _, start := range handlerStart {
		if at := start.FindStringIndex(text); at != nil {
			head := text[:at[1]-len(strings.TrimLeft(text[at[0]:at[1]], " \t"))]
			e.Line, e.Column = 1+strings.Count(head, "\n"), len(head)-strings.LastIndexByte(head, '\n')
			return
		}
	}
}

// instead is what there is in place of globals that other places have.
var instead = map[string]string{
	"fetch": "a handler reaches nothing outside; let the page fetch it", "XMLHttpRequest": "a handler reaches nothing outside; let the page fetch it",
	"WebSocket": "a handler reaches nothing outside; let the page open it", "process": "use fazt.env.get for variables",
	"Buffer": "use TextEncoder, atob and btoa, and the bytes' own toString('base64')", "__dirname": "use fazt.private for files of the app",
	"__filename": "use fazt.private for files of the app", "setInterval": "nothing runs after the answer; use setTimeout before it, or let the page ask again",
	"setImmediate": "nothing runs after the answer; use setTimeout before it", "localStorage": "use fazt.storage.kv, or fazt.app.user.kv for a user's own",
	"sessionStorage": "use fazt.storage.kv, or fazt.app.user.kv for a user's own",
	"window":         pageOnly, "document": pageOnly, "navigator": pageOnly, "location": "use request.path, request.host and request.query",
	"alert": "use console.log, which prints to the app's log", "req": "the request is called request", "res": "use respond, or return the answer",
	"response": "use respond, or return the answer", "ctx": "the request is called request", "db": "use fazt.storage", "env": "use fazt.env.get",
}

const pageOnly = "that belongs to the page; a handler runs on the server"

var (
	noObject   = regexp.MustCompile(`^Cannot (?:read property|access member) ['"](\w+)['"] of (?:undefined|null)$`)
	noFunction = regexp.MustCompile(`is not a function$|^Object has no member '`)
	notDefined = regexp.MustCompile(`^'?(\w+)'? is not defined$`)
	hostPath   = regexp.MustCompile(`^fazt((?:\.\w+)+)`)
)

// advise says what to do about the commonest errors of a run.
func (e *Error) advise(host *Host, limits Limits) {
	if e.Hint != "" {
		return
	}
	switch m := notDefined.FindStringSubmatch(e.Message); {
	case e.Name == "ReferenceError" && m != nil:
		e.Hint = instead[m[1]]
		if e.Hint == "" {
			e.Hint = "declare it, or is it misspelled?"
		}
	case e.Name == "RangeError" && e.Message == "Maximum call stack size exceeded":
		e.Hint = fmt.Sprintf("%d calls may nest: look for a function that calls itself without an end", limits.StackDepth)
	case e.Name != "TypeError":
	case noObject.MatchString(e.Message):
		e.Hint = "check first that what stands before ." + noObject.FindStringSubmatch(e.Message)[1] + " is there"
	case noFunction.MatchString(e.Message):
		if e.Column > 0 && e.Column <= len(e.SourceLine) {
			e.Hint = host.missing(e.SourceLine[e.Column-1:])
		}
		if e.Hint == "" {
			e.Hint = "is its name misspelled?"
		}
	}
}

// missing says which part of a name that the text begins with the host doesn't have, and
// what it has there.
func (h *Host) missing(text string) string {
	m := hostPath.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	at, path := h.root.Part("fazt"), "fazt"
	for part := range strings.SplitSeq(m[1][1:], ".") {
		if at == nil || len(at.Names()) == 0 {
			return ""
		}
		next := at.Part(part)
		if next == nil {
			return fmt.Sprintf("there is no %s.%s; %s has %s", path, part, path, strings.Join(at.Names(), ", "))
		}
		at, path = next, path+"."+part
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
	case e.Name != "" && strings.HasPrefix(rest, "/") && !strings.HasPrefix(e.Message, "Unexpected"):
		e.Message = "Invalid regular expression: " + strings.TrimPrefix(e.Message, "Invalid regular expression: ")
		e.Hint = "put a backslash before what stands for itself"
	case strings.HasPrefix(e.Message, "Unexpected token "):
		token := strings.TrimPrefix(e.Message, "Unexpected token ")
		e.Message, e.Hint = "Unexpected token '"+token+"'", "look here and just before for what is missing or too much"
	}
}
