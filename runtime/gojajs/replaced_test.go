package gojajs_test

import (
	"strings"
	"testing"
)

// A handler that has replaced what a native or the library needs gets a result without
// it, or an error of JavaScript's.
func TestReplacedMethods(t *testing.T) {
	for src, want := range map[string]string{
		`Date.prototype.getTime = 1; return structuredClone(new Date(5)).valueOf()`:                     "5",
		`Number.prototype.valueOf = 1; return typeof structuredClone(new Number(5))`:                    "object",
		`Boolean.prototype.valueOf = 1; return structuredClone(new Boolean(true))`:                      "true",
		`String.prototype.valueOf = 1; return String(structuredClone(new String('a')))`:                 "a",
		`return String(structuredClone(Object(5n)))`:                                                    "5",
		`Map.prototype.forEach = 1; return structuredClone(new Map())`:                                  "TypeError",
		`Set.prototype.forEach = 1; return structuredClone(new Set())`:                                  "TypeError",
		`const r = /(?=a)a/; r.exec = null; return r.test('a')`:                                         "true",
		`delete RegExp.prototype.exec; return [/a/.test('a'), 'a'.replace(/a/g, 'b'), 'a'.search(/a/)]`: `[true,"b",0]`,
		`const r = /a/; r.exec = 5; return 'a'.match(r)`:                                                `["a"]`,
		`Array.prototype[Symbol.iterator] = 1; return [1].values().map(x => x + 1).toArray()`:           "[2]",
	} {
		if got := answerOf(t, src); !strings.Contains(got, want) || strings.Contains(got, "panicked") {
			t.Errorf("%s\n%s, want %s", src, got, want)
		}
	}
}

// A valid pattern that goja refuses or takes long for is matched all the same, and no
// text of Go's says what is wrong with one.
func TestPatternsThatGojaRefuses(t *testing.T) {
	digits := strings.Repeat("9", 30)
	for src, want := range map[string]string{
		`return /a{` + digits + `}/.test('a')`:                                        "false",
		`return new RegExp('a{1,` + digits + `}').exec('aa')[0]`:                      "aa",
		`return new RegExp('(?:a|b){` + digits + `,}(?=c)').test('abc')`:              "false",
		`return new RegExp('\\' + '1'.repeat(99) + '(a)').test('a')`:                  "false",
		`return new RegExp('[ab]{1,3}'.repeat(900) + '$').test('ab'.repeat(900))`:     "true",
		`return new RegExp('ab|cd|'.repeat(3000) + '(?=x)').source.length`:            "18005",
		`return [new RegExp('ab|cd|'.repeat(3000) + 'x', 'gi').flags, /x/.exec('x')]`: `["gi",["x"]]`,
		`return new RegExp('a'.repeat(300000)).test('a')`:                             "Regular expression too large",
		`const r = /./gu; r.lastIndex = 1; return [r.exec('😀a').index, r.lastIndex]`:  "[0,2]",
		`const r = /a/yu; r.lastIndex = 1; return r.test('😀a')`:                       "false",
	} {
		if got := answerOf(t, src); !strings.Contains(got, want) {
			t.Errorf("%s\n%s, want %s", src, got, want)
		}
	}
}
