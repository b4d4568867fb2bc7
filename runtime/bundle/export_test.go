package bundle

import "github.com/fazt-sh/fazt/runtime"

func CheckNesting(name, src string, jsx bool) *runtime.Error { return checkNesting(name, src, jsx) }
