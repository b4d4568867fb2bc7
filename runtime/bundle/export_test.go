package bundle

import (
	"maps"
	"slices"

	"github.com/fazt-sh/fazt/runtime"
)

// MissingGlobals are the globals that handlers don't have.
func MissingGlobals() []string { return slices.Sorted(maps.Keys(runtime.MissingGlobals)) }

func CheckNesting(name, src string, jsx bool) *runtime.Error { return checkNesting(name, src, jsx) }
