package gojajs

import (
	"errors"
	"strconv"
	"strings"

	"github.com/dop251/goja"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/internal/js"
)

// try runs Go code that may throw, from outside JavaScript. What it throws is
// an [*runtime.Error].
func (v *vm) try(f func() error) error {
	return v.errorOf(v.caught(f))
}

// caught returns what f throws: an exception, or that the stack was used up,
// which goja panics with where no JavaScript called.
func (v *vm) caught(f func() error) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case *goja.StackOverflowError:
			err = p
		case *goja.InterruptedError:
			err = p
		default:
			panic(p)
		}
	}()
	if ex := v.js.Try(func() { err = f() }); ex != nil {
		return ex
	}
	return err
}

// errorOf describes what goja returned. errStopped stays what it is.
func (v *vm) errorOf(err error) error {
	if err == nil || errors.Is(err, errStopped) {
		return err
	}
	if e, ok := errors.AsType[*runtime.Error](err); ok {
		return e
	}
	if so, ok := errors.AsType[*goja.StackOverflowError](err); ok {
		e := &runtime.Error{Code: runtime.CodeHandler, Name: "RangeError", Message: "Maximum call stack size exceeded"}
		v.place(e, frames(so.Stack()))
		return e
	}
	if ex, ok := errors.AsType[*goja.Exception](err); ok {
		return v.thrown(ex.Value(), ex.Stack())
	}
	return &runtime.Error{Code: runtime.CodeHandler, Message: err.Error(), Err: err}
}

// thrown describes a thrown value. Errors know where they were made; for other
// values the stack is where they were thrown.
func (v *vm) thrown(val goja.Value, stack []goja.StackFrame) (e *runtime.Error) {
	err := v.describe(val, stack, &e)
	switch {
	case errors.Is(err, errStopped):
		v.x.Check() // doesn't return
	case err != nil:
		return &runtime.Error{Code: runtime.CodeHandler, Message: "what was thrown throws when it is looked at"}
	}
	return e
}

func (v *vm) describe(val goja.Value, stack []goja.StackFrame, out **runtime.Error) error {
	return v.caught(func() error {
		*out = v.describeThrown(val, stack, maxCauses)
		return nil
	})
}

// maxCauses is how many causes of one another are told of an error.
const maxCauses = 3

func (v *vm) describeThrown(val goja.Value, stack []goja.StackFrame, causes int) *runtime.Error {
	e := &runtime.Error{Code: runtime.CodeHandler}
	obj, ok := val.(*goja.Object)
	if !ok {
		e.Message = head(val)
		v.place(e, frames(stack))
		return e
	}
	text := func(key string) string {
		p := obj.Get(key)
		if p == nil || goja.IsUndefined(p) || goja.IsNull(p) {
			return ""
		}
		if _, ok := p.(*goja.Object); ok {
			return ""
		}
		if key == "stack" {
			return tail(p)
		}
		return head(p)
	}
	e.Name, e.Message, e.ThrownCode = text("name"), text("message"), text("code")
	if v.Kind(val) != js.KindError {
		if e.Message == "" {
			out, _, _ := js.AppendJSON(nil, v, val, "", 1000)
			e.Message = string(out)
		}
		v.place(e, frames(stack))
		return e
	}
	var lines []string
	for line := range strings.SplitSeq(text("stack"), "\n") {
		if frame, ok := strings.CutPrefix(line, "\tat "); ok {
			lines = append(lines, frame)
		}
	}
	v.place(e, lines)
	if cause, ok := obj.Get("cause").(*goja.Object); ok && causes > 0 && v.Kind(cause) == js.KindError {
		c := v.describeThrown(cause, nil, causes-1)
		e.Hint = "its cause is " + c.Error()
		e.Stack += "\ncaused by " + c.Stack
	}
	return e
}

// head is as much of a text as is kept of a message, and a little more. The rest
// is never looked at.
func head(val goja.Value) string {
	if isLongText(val) {
		val = val.(goja.String).Substring(0, runtime.MaxLineBytes+1)
	}
	return val.String()
}

func isLongText(val goja.Value) bool {
	s, ok := val.(goja.String)
	return ok && s.Length() > runtime.MaxLineBytes
}

// tail is the part of a stack's text that has the frames, behind a message of any
// length.
func tail(val goja.Value) string {
	if s, ok := val.(goja.String); ok && s.Length() > js.MaxStackText {
		val = s.Substring(s.Length()-js.MaxStackText, s.Length())
	}
	return val.String()
}

func frames(stack []goja.StackFrame) []string {
	var lines []string
	for _, f := range stack {
		if f.SrcName() == "<native>" {
			continue
		}
		p := f.Position()
		place := p.Filename + ":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Column)
		if name := f.FuncName(); name != "<anonymous>" {
			place = name + " (" + place + ")"
		}
		lines = append(lines, place)
	}
	return lines
}

// where is the innermost place of a stack in the author's files, or nil.
func (v *vm) where(stack []goja.StackFrame) *runtime.Error {
	e := &runtime.Error{}
	if v.place(e, frames(stack)); e.File == "" {
		return nil
	}
	return e
}

// place takes the place from the first frame in the author's files, and leaves
// the frames of the engine and of the library out of the stack.
func (v *vm) place(e *runtime.Error, frames []string) {
	head := e.Name + ": " + e.Message
	if e.Name == "" || e.Message == "" {
		head = e.Name + e.Message
	}
	lines := []string{head}
	for _, frame := range frames {
		frame, file, line, column := parseFrame(frame)
		if line == 0 || file == libraryName {
			continue
		}
		lines = append(lines, "    at "+frame)
		if e.File == "" {
			e.File, e.Line, e.Column = file, line, column
		}
	}
	e.Stack = strings.Join(lines, "\n")
}

// parseFrame takes goja's own counter out of a frame: "f (main.js:1:2(34))".
func parseFrame(frame string) (clean, file string, line, column int) {
	place := frame
	name, rest, named := strings.Cut(frame, " (")
	if named {
		place = strings.TrimSuffix(rest, ")")
	}
	if i := strings.LastIndexByte(place, '('); i > 0 {
		place = place[:i]
	}
	parts := strings.Split(place, ":")
	if len(parts) < 3 {
		return frame, "", 0, 0
	}
	n := len(parts)
	line, _ = strconv.Atoi(parts[n-2])
	column, _ = strconv.Atoi(parts[n-1])
	file = strings.Join(parts[:n-2], ":")
	if named {
		return name + " (" + place + ")", file, line, column
	}
	return place, file, line, column
}

// throw throws a Go error from a native.
func (v *vm) throw(err error) {
	if e, ok := errors.AsType[*runtime.HostError](err); ok {
		v.throwError(e.Name, e.Code, e.Message)
	}
	v.throwError("Error", "", err.Error())
}

// throwError throws an Error with the given name and code. For the names of the
// language's own errors it is one of these.
func (v *vm) throwError(name, code, message string) {
	obj := v.js.NewTypeError("%s", message)
	if name != "TypeError" {
		v.rename(obj, name)
	}
	if code != "" {
		_ = obj.Set("code", code)
	}
	panic(obj)
}

// rename makes an error one of another name. The prototypes are taken from the
// error itself, as a handler may have changed the globals.
func (v *vm) rename(obj *goja.Object, name string) {
	prototype := obj.Prototype().Prototype()
	if languageErrors[name] {
		if ctor, ok := v.js.Get(name).(*goja.Object); ok {
			if own, ok := ctor.Get("prototype").(*goja.Object); ok {
				_ = obj.SetPrototype(own)
				return
			}
		}
	}
	_ = obj.SetPrototype(prototype)
	if name != "" && name != "Error" {
		_ = obj.DefineDataProperty("name", v.js.ToValue(name), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	}
}

var languageErrors = map[string]bool{"RangeError": true, "SyntaxError": true, "ReferenceError": true, "EvalError": true, "URIError": true}

// rethrown is what to panic with, inside a native, for an error that a call
// returned.
func rethrown(err error) any {
	if ex, ok := errors.AsType[*goja.Exception](err); ok {
		return ex // with the place where it was thrown
	}
	return err
}
