package ottojs

import (
	"math"
	"time"

	"github.com/robertkrimen/otto"

	"github.com/fazt-sh/fazt/runtime/internal/dates"
)

// What the prelude makes of dates is done here, for otto reads few texts as dates, takes
// other times for local ones where clocks change, and prints dates otherwise than other
// engines do.

// dateParse is the time that a text is.
func (v *vm) dateParse(c otto.FunctionCall) otto.Value {
	return v.value(dates.Parse(c.Argument(0).String(), time.Local))
}

// dateClip is the time that a number is.
func (v *vm) dateClip(c otto.FunctionCall) otto.Value {
	return v.value(dates.Clip(v.toNumber(c.Argument(0))))
}

// dateNew is the time of a list of parts, in UTC or not.
func (v *vm) dateNew(c otto.FunctionCall) otto.Value {
	return v.value(dates.New(v.fieldsOf(c.Argument(0)), zone(c.Argument(1))))
}

// dateSet is a time with some of its parts set, from one on.
func (v *vm) dateSet(c otto.FunctionCall) otto.Value {
	first, _ := c.Argument(1).ToInteger()
	return v.value(dates.Set(v.Number(c.Argument(0)), int(first), v.fieldsOf(c.Argument(2)), zone(c.Argument(3))))
}

func zone(utc otto.Value) *time.Location {
	if is, _ := utc.ToBoolean(); is {
		return time.UTC
	}
	return time.Local
}

func (v *vm) fieldsOf(list otto.Value) []float64 {
	fields := make([]float64, min(v.Len(list), len(dates.Fields{})))
	for i := range fields {
		fields[i] = v.toNumber(v.Index(list, i))
	}
	return fields
}

// dateText is a time as text, as one of Date's methods prints it.
func (v *vm) dateText(c otto.FunctionCall) otto.Value {
	ms := v.Number(c.Argument(0))
	switch c.Argument(1).String() {
	case "toISOString":
		if math.IsNaN(ms) {
			v.rangeError("Invalid time value")
		}
		return v.value(dates.ISO(ms))
	case "toUTCString":
		return v.value(dates.UTCString(ms))
	case "toDateString":
		return v.value(dates.DateString(ms, time.Local))
	case "toTimeString":
		return v.value(dates.TimeString(ms, time.Local))
	}
	return v.value(dates.String(ms, time.Local))
}
