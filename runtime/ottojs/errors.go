package ottojs

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/robertkrimen/otto"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/internal/js"
)

// protect runs Go code that reads JavaScript values, whose getters may throw.
func (v *vm) protect(f func() error) error {
	thrown, err := v.catch(f)
	if thrown == nil {
		return err
	}
	again, err := v.catch(func() error { return v.errorOf(*thrown) })
	if again != nil {
		return &runtime.Error{Code: runtime.CodeHandler, Message: "what was thrown throws when it is looked at"}
	}
	return err
}

// catch calls f inside of a JavaScript function: only there does otto bound how
// deep the natives call one another that run when Go reads a value, such as a
// getter or a toJSON.
func (v *vm) catch(f func() error) (thrown *otto.Value, err error) {
	v.read = func() { thrown, err = caughtFrom(f) }
	if _, failed := v.lib.inside.Call(undefined); failed != nil {
		return nil, v.engineError(failed)
	}
	return thrown, err
}

func caughtFrom(f func() error) (thrown *otto.Value, err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case otto.Value:
			thrown = &p
		default:
			panic(p)
		}
	}()
	return nil, f()
}

// caught is where the prelude hands over what was thrown.
func (v *vm) caught(c otto.FunctionCall) otto.Value {
	v.run.caught, v.run.thrown, v.run.hasEscaped = true, c.Argument(0), false
	return undefined
}

// noteThrow stands before every throw. Errors know where they were made; for
// other values the place of the throw is kept.
func (v *vm) noteThrow(c otto.FunctionCall) otto.Value {
	val := c.Argument(0)
	v.escaped(val)
	if val.Class() == "Error" {
		v.tidy(val)
	} else {
		v.run.throwFile = c.Argument(2).String()
		n, _ := c.Argument(1).ToInteger()
		v.run.throwAt = int(n)
	}
	return val
}

// errorOf describes a thrown value.
func (v *vm) errorOf(val otto.Value) *runtime.Error {
	e := &runtime.Error{Code: runtime.CodeHandler}
	if !val.IsObject() {
		e.Message = head(val.String())
		v.placeThrow(e)
		return e
	}
	text := func(key string) string {
		if p := v.get(val, key); p.IsDefined() && !p.IsNull() && !p.IsObject() {
			return p.String()
		}
		return ""
	}
	e.Name, e.Message, e.ThrownCode = head(text("name")), head(text("message")), head(text("code"))
	if v.Kind(val) != js.KindError {
		if e.Message == "" {
			out, _, _ := js.AppendJSON(nil, v, val, "", 1000)
			e.Message = string(out)
		}
		v.placeThrow(e)
		return e
	}
	stack := text("stack")
	v.placeStack(e, stack[max(0, len(stack)-js.MaxStackText):])
	return e
}

// head is as much of a text as is kept of a message, and a little more. The rest
// is never looked at.
func head(text string) string { return text[:min(len(text), runtime.MaxLineBytes+1)] }

// engineError describes an error of otto's own.
func (v *vm) engineError(err error) *runtime.Error {
	e := &runtime.Error{Code: runtime.CodeHandler, Message: err.Error(), Err: err}
	if oe, ok := errors.AsType[*otto.Error](err); ok {
		e.Name, e.Message = splitError(oe.Error())
		v.placeStack(e, oe.String())
	}
	return e
}

func splitError(text string) (name, message string) {
	name, message, ok := strings.Cut(text, ": ")
	if !ok || strings.ContainsAny(name, " \n") {
		return "Error", text
	}
	return name, message
}

func (v *vm) placeThrow(e *runtime.Error) {
	m := v.script.modules[v.run.throwFile]
	if m == nil {
		return
	}
	if p := m.position(v.run.throwAt); p != nil {
		e.File, e.Line, e.Column = p.Filename, p.Line, p.Column
	}
}

// where is the place of the last call that was made, or nil: otto knows no other.
func (v *vm) where() *runtime.Error {
	e := &runtime.Error{}
	stack := v.otto.Context().Stacktrace
	v.run.within = true // until it is known
	v.run.within = !v.ownCode()
	if v.placeStack(e, "    at "+strings.Join(stack, "\n    at ")); e.File == "" {
		return nil
	}
	return e
}

// ownCode reports whether all that is at work is known to be functions of the program,
// but for the host function that they have called.
func (v *vm) ownCode() bool {
	const most = 10 // frames, as looking at one makes otto gather its variables
	stack := v.otto.ContextSkip(most, false).Stacktrace
	if len(stack) < 2 || len(stack) >= most {
		return false
	}
	for _, frame := range stack[1:] {
		if m := framePlace.FindStringSubmatch(frame); m == nil || v.script.modules[m[1]] == nil {
			return false
		}
	}
	return true
}

var framePlace = regexp.MustCompile(`\(?([^()\s]+):(\d+):(\d+)\)?$`)

// placeStack takes the place from the first frame in the author's files, and
// leaves the frames of the engine and the prelude out of the stack.
func (v *vm) placeStack(e *runtime.Error, stack string) {
	head := e.Name + ": " + e.Message
	if e.Name == "" || e.Message == "" {
		head = e.Name + e.Message
	}
	const frames = 10 // that are told, as by Node
	lines, size := []string{head}, len(head)
	for line := range strings.SplitSeq(stack, "\n") {
		if !strings.HasPrefix(line, "    at ") {
			continue
		}
		m := framePlace.FindStringSubmatch(line)
		if m == nil || m[1] == preludeName || strings.HasSuffix(m[1], ".go") {
			continue
		}
		if size += len(line); size < runtime.MaxLineBytes && len(lines) <= frames {
			lines = append(lines, line)
		}
		if e.File == "" {
			e.File = m[1]
			e.Line, _ = strconv.Atoi(m[2])
			e.Column, _ = strconv.Atoi(m[3])
		}
	}
	e.Stack = strings.Join(lines, "\n")
}
