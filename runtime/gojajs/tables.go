package gojajs

import (
	"maps"
	"slices"

	"github.com/dop251/goja"
)

// holderPaths are the objects of the standard library that hold natives.
var holderPaths = []string{
	"",
	"Object", "Object.prototype", "Function.prototype", "Error", "Error.prototype",
	"Array", "Array.prototype", "String", "String.prototype", "Number", "Number.prototype", "Boolean.prototype",
	"Symbol", "Symbol.prototype", "BigInt", "BigInt.prototype", "Math", "JSON", "Reflect", "Proxy",
	"RegExp.prototype", "Date", "Date.prototype", "Promise", "Promise.prototype",
	"Map.prototype", "Set.prototype", "WeakMap.prototype", "WeakSet.prototype",
	"ArrayBuffer", "ArrayBuffer.prototype", "DataView.prototype", "%TypedArray%", "%TypedArray%.prototype",
	"Uint8Array", "Uint8Array.prototype",
}

// baseOf is the global that leads to a holder.
func baseOf(path string) string {
	switch path {
	case "%TypedArray%", "%TypedArray%.prototype":
		return "Uint8Array"
	}
	for i := range len(path) {
		if path[i] == '.' {
			return path[:i]
		}
	}
	return path
}

// reachedBySyntax are those that values lead to which a program can have without
// naming the global.
var reachedBySyntax = map[string]bool{"Object.prototype": true, "Function.prototype": true, "Error.prototype": true, "Array.prototype": true,
	"String.prototype": true, "Number.prototype": true, "Boolean.prototype": true, "Symbol.prototype": true, "BigInt.prototype": true,
	"Promise.prototype": true, "RegExp.prototype": true}

var symbols = []*goja.Symbol{goja.SymIterator, goja.SymMatch, goja.SymMatchAll, goja.SymReplace, goja.SymSearch, goja.SymSplit,
	goja.SymToPrimitive}

// Features of syntax: a regular expression, [...rest] in a pattern, and yield*.
// numberTexts is one of whatever makes an object inherit from another, and iterators one
// of whatever gives a program an iterator.
const (
	iterators   = "an iterator"
	numberTexts = "inherits from a number"
	expressions = "/ /"
	restOfArray = "rest of an array"
	delegation  = "yield *"
)

// implied are names that come with others: what an operator or a native calls
// without the program naming it.
var implied = func() map[string][]string {
	m := map[string][]string{
		expressions: {"exec", "test", "compile", "Symbol.match", "Symbol.replace", "Symbol.search", "Symbol.split"},
		"RegExp":    {expressions},
		"match":     {expressions},
		"matchAll":  {expressions, "Symbol.matchAll"},
		"search":    {expressions},
		"toJSON":    {"toISOString"},
		// Typed arrays become texts by it.
		"Uint8Array": {"join"},
	}
	// These walk through the keys of what they are given, which may be any array's
	// iterator.
	for _, name := range setMethods {
		m[name] = []string{restOfArray}
	}
	for _, name := range []string{"create", "setPrototypeOf", "__proto__", "prototype", "construct", "Proxy"} {
		m[name] = []string{numberTexts}
	}
	for _, name := range slices.Concat(errorSources, errorTexts) {
		m[name] = []string{"Error"}
	}
	for name := range matchNames {
		m[name] = []string{"RegExp"}
	}
	return m
}()

// What makes a text of an error reads errorTexts of it. They are common names,
// which matter only to a program that can get an error: by one of errorSources,
// or by a catch.
var (
	errorTexts   = []string{"name", "message"}
	errorSources = []string{"GoError", "AggregateError", "TypeError", "ReferenceError", "SyntaxError", "RangeError", "EvalError", "URIError",
		"Promise", "then", "catch", "finally", "constructor"}
)

var setMethods = []string{"difference", "intersection", "isDisjointFrom", "isSubsetOf", "isSupersetOf", "symmetricDifference", "union"}

const noBigArrays = "typed arrays of bigints are not available; use an array, or a DataView"

const noEval = "code can't be made at run time; write it in a file of the app"

var typedArrays = []string{"Uint8Array", "Uint8ClampedArray", "Int8Array", "Uint16Array", "Int16Array", "Uint32Array",
	"Int32Array", "Float32Array", "Float64Array", "BigInt64Array", "BigUint64Array"}

// valueConstructors return objects when they are called without new, so that
// they can stand where a native expects a function.
var valueConstructors = []string{"Object", "Array", "RegExp", "Error", "GoError", "AggregateError", "TypeError", "ReferenceError",
	"SyntaxError", "RangeError", "EvalError", "URIError"}

// passedOn are guards of constructors that only need one where their value is passed on.
var passedOn = map[string]guard{"Date": dateGuard}

// ownFunctions are what the first two of them have of their own.
var ownFunctions = map[string][]string{
	"Object": {"assign", "create", "defineProperties", "defineProperty", "entries", "freeze", "fromEntries",
		"getOwnPropertyDescriptor", "getOwnPropertyDescriptors", "getOwnPropertyNames", "getOwnPropertySymbols",
		"getPrototypeOf", "hasOwn", "is", "isExtensible", "isFrozen", "isSealed", "keys", "preventExtensions", "seal",
		"setPrototypeOf", "values"},
	"Array": {"from", "isArray", "of"},
}

var guards = func() map[string]guard {
	g := map[string]guard{
		"eval": refused(noEval), "Function": refused(noEval),
		"Proxy": proxyGuard, "Proxy.revocable": refused("Proxy.revocable is not available; use new Proxy"),
		"RegExp": constructorGuard(checkRegExp), "BigInt": bigIntGuard,
		"BigInt.asIntN": checking(checkBits), "BigInt.asUintN": checking(checkBits),
		"ArrayBuffer": constructorGuard(checkBuffer),
		"Map":         constructorGuard(listFirst), "Set": constructorGuard(listFirst), "WeakMap": constructorGuard(listFirst), "WeakSet": constructorGuard(listFirst),
		"AggregateError": constructorGuard(listFirst),

		"Array.from": instead(arrayFrom), "Object.fromEntries": fromEntries,
		"Promise.all": iterable(0), "Promise.allSettled": iterable(0), "Promise.any": iterable(0), "Promise.race": iterable(0),
		"%TypedArray%.from": checking(typedFrom),

		"Object.keys": checking(keysOf), "Object.values": checking(keysOf), "Object.entries": checking(keysOf),
		"Object.getOwnPropertyNames": checking(keysOf), "Object.freeze": checking(keysOf), "Object.seal": checking(keysOf),
		"Object.isFrozen": checking(keysOf), "Object.isSealed": checking(keysOf), "Object.assign": checking(touching),
		"Object.defineProperty": checking(defining), "Object.defineProperties": checking(describingAll), "Object.create": checking(describingAll),
		"Object.getOwnPropertyDescriptor": describer, "Object.getOwnPropertyDescriptors": describing(allNamed),
		"Object.setPrototypeOf": checking(setPrototype), "Object.prototype.toLocaleString": plainGuard,

		"Reflect.get": checking(named), "Reflect.set": checking(defining),
		"Reflect.defineProperty": checking(defining), "Reflect.deleteProperty": checking(deleting),
		"Reflect.getOwnPropertyDescriptor": describing(named), "Reflect.ownKeys": checking(keysOf),
		"Reflect.setPrototypeOf": checking(setPrototype),
		"Reflect.apply":          argumentsAt(2), "Reflect.construct": argumentsAt(1),

		"Function.prototype.apply": argumentsAt(1), "Function.prototype.bind": bind,

		"Uint8Array.prototype.toHex": checking(bytesAsText), "Uint8Array.prototype.toBase64": checking(bytesAsText),

		"String.raw":              instead(func(v *vm, c goja.FunctionCall) goja.Value { return v.library("raw", c.Arguments...) }),
		"String.prototype.repeat": checking(repeated), "String.prototype.padStart": checking(padded), "String.prototype.padEnd": checking(padded),
		"String.prototype.concat": checking(concatenated), "String.prototype.indexOf": checking(searched),
		"String.prototype.lastIndexOf": checking(searched), "String.prototype.includes": checking(searched),
		"String.prototype.split": splitMethod, "String.prototype.replace": replaceMethod(false), "String.prototype.replaceAll": replaceMethod(true),
		"String.prototype.match": patternMethod(goja.SymMatch), "String.prototype.matchAll": patternMethod(goja.SymMatchAll), "String.prototype.search": patternMethod(goja.SymSearch),
		"String.prototype.normalize":   inPieces,
		"String.prototype.toLowerCase": letters, "String.prototype.toUpperCase": letters,
		"String.prototype.toLocaleLowerCase": localeLetters(false), "String.prototype.toLocaleUpperCase": localeLetters(true),
		"encodeURI": checking(encoded), "encodeURIComponent": checking(encoded), "escape": checking(encoded),

		"RegExp.prototype.exec": execGuard, "RegExp.prototype.test": instead(test),
		"RegExp.prototype.compile":        refused("RegExp.prototype.compile is not available; make a new RegExp"),
		"RegExp.prototype.Symbol.match":   symbolMethod(matchSymbol),
		"RegExp.prototype.Symbol.replace": symbolMethod(replaceSymbol), "RegExp.prototype.Symbol.search": symbolMethod(searchSymbol),
		"RegExp.prototype.Symbol.split": instead(splitSymbol), "RegExp.prototype.Symbol.matchAll": instead(matchAllSymbol),

		"Math.imul": checking(within32At), "Math.clz32": checking(within32At),
		"JSON.parse": instead(jsonParse), "JSON.stringify": instead(jsonStringify),
		"Math.max": checking(shortNumbers), "Math.min": checking(shortNumbers), "Math.hypot": checking(shortNumbers),
		"String.fromCharCode": checking(charCodes), "String.fromCodePoint": checking(shortNumbers),
		"parseInt": checking(shortNumber), "parseFloat": checking(shortNumber), "Number.parseInt": checking(shortNumber), "Number.parseFloat": checking(shortNumber),
	}
	// at, entries, keys, pop, push and values take no longer for a long array.
	for _, name := range []string{"concat", "copyWithin", "every", "fill", "filter", "find", "findIndex", "findLast",
		"findLastIndex", "flatMap", "forEach", "includes", "indexOf", "lastIndexOf", "map", "reduce", "reduceRight",
		"reverse", "shift", "slice", "some", "splice", "unshift", "with", "toReversed", "toSpliced"} {
		g["Array.prototype."+name] = arrayMethod
	}
	g["Array.prototype.includes"] = includesMethod(arrayMethod)
	g["Array.prototype.concat"] = longConcat
	g["Array.prototype.slice"], g["Array.prototype.splice"] = inSteps(longSlice), inSteps(longSplice)
	g["Array.prototype.sort"], g["Array.prototype.toSorted"] = sortMethod, sortMethod
	g["Array.prototype.flat"] = instead(flat)
	g["Array.prototype.toLocaleString"] = instead(func(v *vm, c goja.FunctionCall) goja.Value {
		return v.library("localeText", c.This.ToObject(v.js), c.Argument(0), c.Argument(1))
	})
	for _, name := range []string{"fill", "filter", "includes", "indexOf", "join", "lastIndexOf", "map", "reverse", "sort",
		"toLocaleString", "toReversed", "toSorted", "with", "every", "some", "forEach", "find", "findIndex", "findLast", "findLastIndex", "reduce", "reduceRight"} {
		g["%TypedArray%.prototype."+name] = typedMethod
	}
	g["%TypedArray%.prototype.includes"] = includesMethod(typedMethod)
	g["%TypedArray%.prototype.set"] = checking(checkSet)
	g["%TypedArray%.prototype.join"] = instead((*vm).join)
	for _, name := range typedArrays {
		g[name] = func(v *vm, native *goja.Object) goja.Value {
			v.haveBytes()
			return constructorGuard(checkTyped)(v, native)
		}
	}
	maps.Copy(g, dateGuards)
	maps.Copy(g, localeGuards)
	g["BigInt64Array"], g["BigUint64Array"] = refused(noBigArrays), refused(noBigArrays)
	g["DataView.prototype.getBigInt64"], g["DataView.prototype.getBigUint64"] = madeBigInt, madeBigInt
	g["DataView.prototype.setBigInt64"], g["DataView.prototype.setBigUint64"] = bigintAt(1), bigintAt(1)
	return g
}()

// prepared are features that do more than guard a property.
var prepared = func() map[string]func(v *vm) {
	m := map[string]func(v *vm){
		"constructor":     (*vm).prepareConstructor,
		"__proto__":       (*vm).prepareProto,
		restOfArray:       (*vm).prepareRest,
		"next":            (*vm).prepareRest,
		numberTexts:       (*vm).prepareNumberTexts,
		delegation:        (*vm).prepareDelegation,
		"asyncIterator":   (*vm).prepareAsyncIterator,
		expressions:       func(v *vm) { v.replace(slot{holder: "RegExp.prototype", key: "toString", guard: plainGuard}) },
		"Date":            (*vm).prepareDate,
		"toGMTString":     (*vm).prepareGMT,
		"groupBy":         (*vm).addGroupBy,
		"withResolvers":   (*vm).addPromises,
		"try":             (*vm).addPromises,
		"fromAsync":       (*vm).addFromAsync,
		"isWellFormed":    (*vm).addWellFormed,
		"toWellFormed":    (*vm).addWellFormed,
		"subtle":          (*vm).addSubtle,
		"timingSafeEqual": (*vm).addTimingSafeEqual,
		iterators:         (*vm).addIterators,
		"Error":           func(v *vm) { v.replace(slot{holder: "Error.prototype", key: "toString", guard: errorText}) },
	}
	for name, part := range matchNames {
		m[name] = prepareLastMatch(name, part)
	}
	return m
}()

// globals are what goja doesn't have, beside the host's.
var globals = map[string]func(v *vm) goja.Value{
	"respond":         func(v *vm) goja.Value { return v.native("respond", v.respond) },
	"setTimeout":      func(v *vm) goja.Value { return v.native("setTimeout", v.setTimeout) },
	"clearTimeout":    func(v *vm) goja.Value { return v.native("clearTimeout", v.clearTimeout) },
	"atob":            func(v *vm) goja.Value { return v.native("atob", v.atob) },
	"btoa":            func(v *vm) goja.Value { return v.native("btoa", v.btoa) },
	"crypto":          (*vm).crypto,
	"TextEncoder":     func(v *vm) goja.Value { return v.library("TextEncoder") },
	"TextDecoder":     func(v *vm) goja.Value { return v.library("TextDecoder") },
	"Intl":            (*vm).intlLibrary,
	"URL":             func(v *vm) goja.Value { return v.webLibrary().Get("URL") },
	"structuredClone": func(v *vm) goja.Value { return v.newer("clone", "structuredClone") },
	"queueMicrotask":  func(v *vm) goja.Value { return v.newer("promises", "queueMicrotask") },
	"CryptoKey":       func(v *vm) goja.Value { return v.newer("subtle", "CryptoKey") },
	"Iterator":        func(v *vm) goja.Value { v.addIterators(); return v.iterator },
	"URLSearchParams": func(v *vm) goja.Value { return v.webLibrary().Get("URLSearchParams") },
}
