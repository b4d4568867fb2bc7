package gojajs

import (
	"math"
	"time"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"

	"github.com/fazt-sh/fazt/runtime/internal/dates"
)

// goja reads few texts as dates, takes other times for local ones where clocks change, and
// prints dates otherwise than other engines. So what new Date is given goes through
// newDate, which makes one number of it, where a program names Date only to call it; where
// it passes Date on, that is guarded, as a class may inherit from it.

// dateUses are the places in a file where Date is called.
type dateUses struct {
	made  []*ast.NewExpression
	calls []*ast.CallExpression
}

// noteDate looks for a use of Date.
func (rw *rewriter) noteDate(node any) {
	isDate := func(e ast.Expression) bool {
		id, ok := e.(*ast.Identifier)
		return ok && id.Name == "Date"
	}
	switch n := node.(type) {
	case *ast.NewExpression:
		if isDate(n.Callee) && len(n.ArgumentList) > 0 {
			rw.dates.made = append(rw.dates.made, n)
		}
		if dot, ok := n.Callee.(*ast.DotExpression); ok && dot.Identifier.Name == "Date" {
			rw.name("Date", true)
		}
	case *ast.CallExpression:
		if isDate(n.Callee) {
			rw.dates.calls = append(rw.dates.calls, n)
		}
	case *ast.ClassLiteral:
		if isDate(n.SuperClass) {
			rw.name("Date", true)
		}
	}
}

// finishDates changes the uses of a file that has no other Date.
func (rw *rewriter) finishDates() {
	if rw.mentions.values["Date"] {
		return
	}
	for _, n := range rw.dates.made {
		n.ArgumentList = []ast.Expression{call(funcDate, n.Callee.Idx0(), n.ArgumentList...)}
	}
	for _, n := range rw.dates.calls {
		n.Callee = inside(funcNow, n.Callee.Idx0())
	}
}

// newDate is the time that new Date makes of its arguments, at least one.
func (v *vm) newDate(c goja.FunctionCall) goja.Value {
	if len(c.Arguments) > 1 {
		return v.js.ToValue(dates.New(v.fieldsOf(c.Arguments), time.Local))
	}
	val := c.Argument(0)
	if obj, ok := val.(*goja.Object); ok {
		if obj.ClassName() == "Date" {
			return v.js.ToValue(timeOf(obj))
		}
		val = v.library("primitive", val)
	}
	if s, ok := val.(goja.String); ok {
		return v.js.ToValue(parseDate(s))
	}
	return v.js.ToValue(dates.Clip(v.toNumber(val)))
}

func parseDate(s goja.String) float64 {
	if s.Length() > maxName {
		return math.NaN() // which no date's text is as long as
	}
	return dates.Parse(s.String(), time.Local)
}

// fieldsOf are numbers of a date.
func (v *vm) fieldsOf(args []goja.Value) []float64 {
	list := make([]float64, min(len(args), len(dates.Fields{})))
	for i := range list {
		v.checkNumber(args[i])
		list[i] = v.toNumber(args[i])
	}
	return list
}

// dateGuard guards Date where it is passed on.
func dateGuard(v *vm, native *goja.Object) goja.Value {
	val := v.library("Date", native, v.native("", v.newDate), v.native("", v.now))
	v.moveHolder("Date", val.(*goja.Object))
	return val
}

// now is Date() without new.
func (v *vm) now(goja.FunctionCall) goja.Value {
	return v.js.ToValue(dates.String(float64(time.Now().UnixMilli()), time.Local))
}

// timeOf is the time of a Date.
func timeOf(obj *goja.Object) float64 {
	t, ok := obj.Export().(time.Time)
	if !ok {
		return math.NaN()
	}
	return float64(t.UnixMilli())
}

// timeOfThis is the time of the Date that a method is called on.
func (v *vm) timeOfThis(c goja.FunctionCall) float64 {
	obj, ok := c.This.(*goja.Object)
	if !ok || obj.ClassName() != "Date" {
		v.typeError("this is not a Date object.")
	}
	return timeOf(obj)
}

// dateText makes a guard for a method that prints a date.
func dateText(print func(ms float64, loc *time.Location) string) guard {
	return instead(func(v *vm, c goja.FunctionCall) goja.Value { return v.js.ToValue(print(v.timeOfThis(c), time.Local)) })
}

// isoText is toISOString.
func isoText(v *vm, c goja.FunctionCall) goja.Value {
	ms := v.timeOfThis(c)
	if math.IsNaN(ms) {
		v.rangeError("Invalid time value")
	}
	return v.js.ToValue(dates.ISO(ms))
}

// isUnusual tells a date whose year has a sign and six digits as text, which only
// isoText prints.
func isUnusual(ms float64) bool { return ms < -62_167_219_200_000 || ms > 253_402_300_799_999 }

// setDate makes a guard for a setter of a part of a date, and of those behind it.
func setDate(first, most int, loc *time.Location) guard {
	return func(v *vm, native *goja.Object) goja.Value {
		set := code(v.holder("Date.prototype").Get("setTime").(*goja.Object))
		return v.stand(native, func(c goja.FunctionCall) goja.Value {
			ms := v.timeOfThis(c)
			args := c.Arguments
			if len(args) == 0 {
				args = []goja.Value{goja.Undefined()}
			}
			to := dates.Set(ms, first, v.fieldsOf(args[:min(len(args), most)]), loc)
			return set(goja.FunctionCall{This: c.This, Arguments: []goja.Value{v.js.ToValue(to)}})
		})
	}
}

// dateGuards are the guards of Date and its prototype.
var dateGuards = func() map[string]guard {
	g := map[string]guard{
		"Date.parse": instead(func(v *vm, c goja.FunctionCall) goja.Value { return v.js.ToValue(parseDate(v.str(c.Argument(0)))) }),
		"Date.UTC": instead(func(v *vm, c goja.FunctionCall) goja.Value {
			args := c.Arguments
			if len(args) == 0 {
				args = []goja.Value{goja.Undefined()}
			}
			return v.js.ToValue(dates.New(v.fieldsOf(args), time.UTC))
		}),
		"Date.prototype.toISOString":  instead(isoText),
		"Date.prototype.toUTCString":  dateText(func(ms float64, _ *time.Location) string { return dates.UTCString(ms) }),
		"Date.prototype.toString":     dateText(dates.String),
		"Date.prototype.toDateString": dateText(dates.DateString),
		"Date.prototype.toTimeString": dateText(dates.TimeString),
	}
	for name, part := range dates.Setters {
		g["Date.prototype.set"+name] = setDate(part.First, part.Most, time.Local)
		g["Date.prototype.setUTC"+name] = setDate(part.First, part.Most, time.UTC)
	}
	return g
}()

// prepareGMT makes toGMTString, which is toUTCString and not among goja's own.
func (v *vm) prepareGMT() {
	v.install(v.script.shared.features["toUTCString"], useName)
	v.hide(v.holder("Date.prototype"), "toGMTString", v.holder("Date.prototype").Get("toUTCString"))
}

// Date's toString is called by whatever makes a text of one.
func (v *vm) prepareDate() {
	v.replace(slot{holder: "Date.prototype", key: "toString", guard: dateGuards["Date.prototype.toString"]})
}
