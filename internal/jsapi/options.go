package jsapi

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/fazt-sh/fazt/runtime"
)

// option is one that a function takes in its last argument. The value is a pointer to
// a bool, a string, a float64, or a *int.
type option struct {
	name  string
	value any
}

// readOptions reads argument i, which may be left out. One that there is not is
// refused, as a misspelled limit would be no limit.
func readOptions(args runtime.Args, i int, options ...option) error {
	if !args.Has(i) {
		return nil
	}
	raw, err := args.JSON(i)
	if err != nil {
		return err
	}
	names := make([]string, len(options))
	for j, o := range options {
		names[j] = o.name
	}
	var given map[string]json.RawMessage
	if err := json.Unmarshal(raw, &given); err != nil {
		return runtime.Invalid("argument %d must be an object with options, which are %s", i+1, strings.Join(names, ", "))
	}
	for name := range given {
		if !slices.Contains(names, name) {
			return runtime.Invalid("argument %d: there is no option %q; there is %s", i+1, name, strings.Join(names, ", "))
		}
	}
	for _, o := range options {
		if text, ok := given[o.name]; ok && json.Unmarshal(text, o.value) != nil {
			return runtime.Invalid("argument %d: %s must be %s, not %s", i+1, o.name, wanted(o.value), text)
		}
	}
	return nil
}

// wanted is what an option has to be.
func wanted(value any) string {
	switch value.(type) {
	case *bool:
		return "true or false"
	case *string:
		return "a string"
	case *float64:
		return "a number"
	}
	return "a whole number"
}
