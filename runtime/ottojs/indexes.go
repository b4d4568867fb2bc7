package ottojs

import (
	"strings"

	"github.com/robertkrimen/otto"
)

// oddIndex is the name of the accessor that stands for a property such as '01' while
// it is assigned: otto would take that for the index 1.
const oddIndex = "odd index"

// oddProperty is such a property of an array.
type oddProperty struct {
	array otto.Value
	name  string
}

// isOddIndex tells a name that otto takes for an index, and that is none.
func isOddIndex(name string) bool {
	digits := strings.TrimPrefix(strings.TrimPrefix(name, "+"), "-")
	if digits == "" || len(name) > 20 || strings.Trim(digits, "0123456789") != "" {
		return false
	}
	if name[0] == '-' {
		return strings.Trim(digits, "0") == "" // -0, which otto takes for 0
	}
	return name[0] == '+' || digits[0] == '0' && digits != "0"
}

// assigning notes a property and returns the accessor's name. An assignment that throws
// before it is made leaves its property behind, so only some are kept.
func (v *vm) assigning(p oddProperty) otto.Value {
	const most = 1000
	if len(v.run.odd) == most {
		v.run.odd = append(v.run.odd[:0], v.run.odd[most/2:]...)
	}
	v.run.odd = append(v.run.odd, p)
	return v.value(oddIndex)
}

// oddName is the property that the accessor stands for. It is the one that was come
// to last, and is over when it is assigned.
func (v *vm) oddName(c otto.FunctionCall) otto.Value {
	over, _ := c.Argument(1).ToBoolean()
	for i := len(v.run.odd) - 1; i >= 0; i-- {
		if p := v.run.odd[i]; p.array == c.Argument(0) {
			if over {
				v.run.odd = v.run.odd[:i]
			}
			return v.value(p.name)
		}
	}
	return undefined
}
