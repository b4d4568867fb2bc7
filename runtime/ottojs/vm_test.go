package ottojs_test

import (
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/ottojs"
	"github.com/fazt-sh/fazt/runtime/runtimetest"
)

// counting counts the VMs that an engine makes.
type counting struct {
	*ottojs.Engine
	vms atomic.Int64
}

func (c *counting) Compile(unit runtime.Unit) (runtime.Script, error) {
	s, err := c.Engine.Compile(unit)
	return countingScript{s, c}, err
}

type countingScript struct {
	runtime.Script
	engine *counting
}

func (s countingScript) NewVM(host *runtime.Host) (runtime.VM, error) {
	s.engine.vms.Add(1)
	return s.Script.NewVM(host)
}

func load(t testing.TB, engine runtime.Engine, src string) *runtime.Handler {
	t.Helper()
	r, err := runtime.New(runtime.Options{Engines: []runtime.Engine{engine}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := runtimetest.Load(r, map[string]string{"api/main.js": src}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// The isolation suite would prove nothing if no VM were ever used again.
func TestVMsAreReused(t *testing.T) {
	for _, src := range []string{
		`respond('x')`,
		`undeclared = 1; also = {}; return undeclared`,
		`function f() { this.global = 1; } f()`,
		`module.exports = function () { return 1; }`,
		`throw new Error('x')`,
		`throw 'x'`,
		`function f() { return f(); } try { f(); } catch (e) { return e.name; }`,
	} {
		engine := &counting{Engine: ottojs.New()}
		p := load(t, engine, src)
		for range 3 {
			_, _ = p.Run(t.Context(), &runtime.Request{Method: "GET"})
		}
		if n := engine.vms.Load(); n != 1 {
			t.Errorf("%s: %d VMs for three requests, want 1", src, n)
		}
	}
}

func TestStoppedVMsAreNot(t *testing.T) {
	engine := &counting{Engine: ottojs.New()}
	r, err := runtime.New(runtime.Options{Engines: []runtime.Engine{engine}, Limits: runtime.Limits{CPU: 1}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := runtimetest.Load(r, map[string]string{"api/main.js": `for (;;);`}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := p.Run(t.Context(), &runtime.Request{}); err == nil {
			t.Fatal("an endless loop ended")
		}
	}
	if n := engine.vms.Load(); n != 3 {
		t.Errorf("%d VMs for three requests, want 3", n)
	}
}

// TestUnchangeable walks all that code can reach and looks for an object that
// can be extended or has a property that can be changed.
func TestUnchangeable(t *testing.T) {
	p := load(t, ottojs.New(), `
		var global = (function () { return this; })();
		var open = [], found = [], seen = [];
		function add(v, path) {
			if ((typeof v !== 'object' && typeof v !== 'function') || v === null || v === global || v ===
			open || v === found || v === seen) return;
			if (seen.indexOf(v) >= 0) return;
			seen.push(v);
			open.push({v: v, path: path});
		}
		Object.getOwnPropertyNames(global).forEach(function (n) {
			var d = Object.getOwnPropertyDescriptor(global, n);
			if (n !== 'global' && (d.writable || d.configurable)) found.push('global ' + n);
			add(global[n], n);
		});
		add(Object.getPrototypeOf(request), 'request prototype');
		add(require, 'require');
		while (open.length) {
			var o = open.pop();
			if (Object.isExtensible(o.v)) found.push(o.path);
			Object.getOwnPropertyNames(o.v).forEach(function (n) {
				var d = Object.getOwnPropertyDescriptor(o.v, n);
				if (d.writable || d.configurable) found.push(o.path + '.' + n);
				if (d.get) add(d.get, o.path + ' get ' + n);
				if (d.set) add(d.set, o.path + ' set ' + n);
				if ('value' in d) add(d.value, o.path + '.' + n);
			});
			add(Object.getPrototypeOf(o.v), 'prototype of ' + o.path);
		}
		return {found: found, walked: seen.length > 300};`)
	res, err := p.Run(t.Context(), &runtime.Request{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`{"found":[],"walked":true}`, string(res.Response.Body)); diff != "" {
		t.Errorf("changeable (-want +got)\n%s", diff)
	}
}

// Deleting a great many globals would take longer than any request may.
func TestReset(t *testing.T) {
	for src, want := range map[string]bool{
		"":              true,
		"a = 1; b = {}": true,
		"for (i = 0; i < 1000; i++) this['g' + i] = i": false,
		"Date.prototype.setTime(5)":                    true,
		"Date.prototype.setTime(NaN)":                  false, // otto can't make it a date again
	} {
		if got, err := ottojs.ResetAfter(src); err != nil || got != want {
			t.Errorf("after %q: %v, %v; want %v", src, got, err, want)
		}
	}
}
