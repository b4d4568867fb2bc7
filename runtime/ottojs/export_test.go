package ottojs

import (
	"github.com/robertkrimen/otto"

	"github.com/fazt-sh/fazt/runtime"
)

// ResetAfter tells whether a VM can be used again after the code.
func ResetAfter(src string) (bool, error) {
	script, err := New().Compile(runtime.Unit{Files: map[string]string{"main.js": ""}, Main: "main.js",
		Limits: runtime.Limits{Memory: runtime.DefaultMemory, StackDepth: runtime.DefaultStackDepth}})
	if err != nil {
		return false, err
	}
	host, err := runtime.NewHost(nil)
	if err != nil {
		return false, err
	}
	made, err := script.NewVM(host)
	if err != nil {
		return false, err
	}
	if _, err := made.(*vm).otto.Run(src); err != nil {
		return false, err
	}
	return made.Reset(), nil
}

// Interpreter makes an interpreter as programs get it, with all that is made when
// it is first asked for, and the values of the library that programs are given.
func Interpreter() (*otto.Otto, map[string]otto.Value, error) {
	script, err := New().Compile(runtime.Unit{Files: map[string]string{"main.js": ""}, Main: "main.js",
		Limits: runtime.Limits{Memory: runtime.DefaultMemory, StackDepth: runtime.DefaultStackDepth}})
	if err != nil {
		return nil, nil, err
	}
	host, err := runtime.NewHost(nil)
	if err != nil {
		return nil, nil, err
	}
	made, err := script.NewVM(host)
	if err != nil {
		return nil, nil, err
	}
	v := made.(*vm)
	bytes, err := v.lib.bytes.Call(undefined, 0)
	if err != nil {
		return nil, nil, err
	}
	given := map[string]otto.Value{"request": v.lib.request, "bytes": bytes, "require": v.require("main.js")}
	for _, name := range webGlobals {
		given[name] = v.webGlobal(name)
	}
	return v.otto, given, nil
}
