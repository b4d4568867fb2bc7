package ottojs_test

import (
	"testing"

	"github.com/fazt-sh/fazt/runtime/ottojs"
)

func TestIsPlain(t *testing.T) {
	for _, text := range []string{
		`return {hello: 'world'}`,
		`function handler(request) { return {value: fazt.storage.kv.get('key')}; }`,
		`fazt.storage.kv.set(request.path, {a: [1, 2, [x]]}); return [undefined, {b: f([1]) + [2]}]`,
		"var a = [\n{id: 1}\n]; return a[0].id + a[12]",
		`return [a, b]`, `{}[k]`, `return JSON.parse(request.body)`, `/* o.toJSON = f */ return 'toJSON'`,
		`if (x) return[1]; y = z ? [1] : [2]`,
	} {
		if !ottojs.IsPlain(text) {
			t.Errorf("not plain: %s", text)
		}
	}
	for _, text := range []string{
		`o.toJSON = f`, `var k = 'to' + 'JSON'; o[k] = f`, `o['to' + 'JSON'] = f`, `o[0+'toJ'] = f`, "o\n[k] = f", `f()[k] = f`, `o[a][k] = f`,
		`(o)[k] = f`, `'x'[k]`, `({})[k] = f`, `o /* */ [k] = f`, "o\u00a0[k] = f", `return o[k]`, `returned[k] = f`,
		`({get message() { return 1; }})`, `({get/**/message() {}})`, `({get 'message'() {}})`, "({get\u00a0m() {}})", `({set x(v) {}})`,
		`Object.defineProperty(o, 'message', d)`, `Object.defineProperties(o, d)`, `Object.create(p, d)`, `String.bind(null, o)`,
		`o.__proto__ = p`, `F.prototype = p`, `o.constructor`, `o.t\u006fJSON = f`, `o.toString = f`, `o.valueOf = f`, `o.toISOString = f`, `o.join = f`,
		`Object.fromEntries([['to' + 'JSON', f]])`, `JSON.parse(s, f)`, `var p = JSON.parse; p(s, f)`, `JSON['parse'](s, f)`, `JSON.parse.call(JSON, s, f)`,
		`o['toJSON'] = f`, `({'toJSON': f})`, `({toJSON: f})`, `toString = f`, `(function () { return function () { o.toJSON = f; }; })()`,
	} {
		if ottojs.IsPlain(text) {
			t.Errorf("plain: %s", text)
		}
	}
}
