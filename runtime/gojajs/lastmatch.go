package gojajs

import (
	"strconv"

	"github.com/dop251/goja"
)

// lastMatch is what RegExp.$1 and its like tell of, which old code reads.
type lastMatch struct {
	text   goja.String
	places []int
}

// matchNames are the properties of RegExp that tell of the last match, and
// which part of it.
var matchNames = func() map[string]func(m *lastMatch) (from, to int) {
	names := map[string]func(m *lastMatch) (from, to int){
		"lastMatch": (*lastMatch).whole, "$&": (*lastMatch).whole,
		"lastParen": (*lastMatch).lastGroup, "$+": (*lastMatch).lastGroup,
		"leftContext":  func(m *lastMatch) (from, to int) { return 0, m.places[0] },
		"$`":           func(m *lastMatch) (from, to int) { return 0, m.places[0] },
		"rightContext": func(m *lastMatch) (from, to int) { return m.places[1], m.text.Length() },
		"$'":           func(m *lastMatch) (from, to int) { return m.places[1], m.text.Length() },
		"$_":           func(m *lastMatch) (from, to int) { return 0, m.text.Length() },
	}
	for i := 1; i <= 9; i++ {
		names["$"+strconv.Itoa(i)] = func(m *lastMatch) (from, to int) { return m.group(i) }
	}
	return names
}()

func (m *lastMatch) whole() (from, to int) { return m.places[0], m.places[1] }

func (m *lastMatch) lastGroup() (from, to int) {
	if len(m.places) == 2 {
		return -1, -1
	}
	return m.places[len(m.places)-2], m.places[len(m.places)-1]
}

func (m *lastMatch) group(i int) (from, to int) {
	if 2*i >= len(m.places) {
		return -1, -1
	}
	return m.places[2*i], m.places[2*i+1]
}

// prepareLastMatch gives RegExp the property of a name that leads to it.
func prepareLastMatch(name string, place func(m *lastMatch) (from, to int)) func(v *vm) {
	return func(v *vm) {
		get := v.js.ToValue(func(goja.FunctionCall) goja.Value {
			if v.matched.text == nil {
				return v.js.ToValue("")
			}
			from, to := place(&v.matched)
			if from < 0 {
				return v.js.ToValue("")
			}
			return v.matched.text.Substring(from, to)
		})
		_ = v.holder("RegExp").DefineAccessorProperty(name, get, nil, goja.FLAG_TRUE, goja.FLAG_FALSE)
	}
}
