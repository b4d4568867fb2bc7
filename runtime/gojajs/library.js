// What the engine does in JavaScript, where it can be stopped between any two
// steps. It is loaded when a run first needs something of it. The names exports
// and module are those of any file; module holds what Go gives.
'use strict';

const go = module;
const isArray = go.isArray;

// --- arrays ---

exports.list = function (x) {
  const out = [], push = go.push;
  for (const e of x) push(out, e);
  return out;
};

exports.copy = function (o, n) {
  const out = [];
  for (let i = 0; i < n; i++) if (i in o) go.set(out, i, o[i]);
  out.length = n;
  return out;
};

exports.restore = function (o, list, n) {
  for (let i = 0; i < list.length; i++) if (i in list) o[i] = list[i]; else delete o[i];
  for (let i = list.length; i < n; i++) delete o[i];
  o.length = list.length;
};

// like makes what an array's methods return: an array, or one of its class.
function like(o) {
  let C = isArray(o) ? o.constructor : undefined;
  if (C !== null && (typeof C === 'object' || typeof C === 'function')) C = C[go.species];
  return C === undefined || C === null ? [] : new C(0);
}

function flatten(out, at, o, n, depth) {
  for (let i = 0; i < n; i++) {
    if (!(i in o)) continue;
    const e = o[i];
    if (depth > 0 && isArray(e)) at = flatten(out, at, e, go.lengthOf(e), depth - 1); else go.set(out, at++, e);
  }
  return at;
}
exports.flat = function (o, depth) {
  const n = go.lengthOf(o), out = like(o);
  flatten(out, 0, o, n, depth);
  return out;
};

exports.localeText = function (o, locales, options) {
  let text = '';
  const n = go.lengthOf(o);
  for (let i = 0; i < n; i++) {
    const e = o[i];
    if (i > 0) text += ',';
    if (e !== undefined && e !== null) text += e.toLocaleString(locales, options);
  }
  return text;
};

// from is Array.from for an array-like and an iterable.
exports.from = function (list, f, self) {
  for (let i = 0; i < list.length; i++) go.set(list, i, go.apply(f, self, [list[i], i]));
  return list;
};

// fromOf is from of a class C of arrays, or of another constructor.
exports.fromOf = function (C, list, f, self, hasLength) {
  const n = list.length, out = hasLength ? new C(n) : new C();
  for (let i = 0; i < n; i++) go.set(out, i, f === undefined ? list[i] : go.apply(f, self, [list[i], i]));
  out.length = n;
  return out;
};

// --- functions and constructors ---

// wrap makes a function that stands for another, for calls that come from a
// native: the call has a frame of its own here. check looks at the arguments.
exports.wrap = function (target, name, length, check) {
  const wrapper = function (...args) {
    if (check) args = check(args, new.target !== undefined);
    if (new.target === undefined) return go.apply(target, this, args);
    return go.construct(target, args, new.target === wrapper ? target : new.target);
  };
  go.define(wrapper, 'name', name);
  go.define(wrapper, 'length', length);
  return wrapper;
};

// constructor makes a constructor that stands for one of the language's.
exports.constructor = function (native, name, length, check) {
  const wrapper = exports.wrap(native, name, length, check);
  go.adopt(wrapper, native);
  return wrapper;
};

// Date is the constructor for a program that passes it on: time makes a time of
// arguments, and now is Date() without new.
exports.Date = function (native, time, now) {
  const wrapper = function Date(...args) {
    if (new.target === undefined) return now();
    if (args.length > 0) args = [time(...args)];
    return go.construct(native, args, new.target === wrapper ? native : new.target);
  };
  go.define(wrapper, 'length', 7);
  go.adopt(wrapper, native);
  return wrapper;
};

exports.primitive = function (o) {
  const convert = go.conversion(o);
  if (convert !== undefined && convert !== null) return go.apply(convert, o, ['number']);
  for (let i = 0; i < 2; i++) {
    const f = i === 0 ? o.valueOf : o.toString;
    if (typeof f !== 'function') continue;
    const value = go.apply(f, o, []);
    if (value === null || typeof value !== 'object' && typeof value !== 'function') return value;
  }
  throw new TypeError('Cannot convert object to primitive value');
};

exports.binary = function (op, a, b) {
  switch (op) {
    case '**': return a ** b;
    case '*': return a * b;
    default: return a << b;
  }
};

exports.compare = function (op, a, b) {
  switch (op) {
    case '==': return a == b;
    case '!=': return a != b;
    case '<': return a < b;
    case '>': return a > b;
    case '<=': return a <= b;
    default: return a >= b;
  }
};

// --- asynchronous generators, see asyncgen.go ---

// leaving is what a generator that is told to return gets, while it is.
let leaving;

function object(result) {
  if (result === null || typeof result !== 'object' && typeof result !== 'function') {
    throw new TypeError('what the iterator gave is not an object');
  }
  return result;
}

// iteratorOf gets an asynchronous iterator, also one of a synchronous iterable.
function iteratorOf(iterable, symbol) {
  const method = iterable[symbol];
  if (method !== undefined && method !== null) return object(go.apply(method, iterable, []));
  if (typeof iterable[go.iterator] !== 'function') throw new TypeError('object is not async iterable');
  const it = iterable[go.iterator]();
  const settled = async r => ({value: await object(r).value, done: r.done});
  return {
    next: v => settled(it.next(v)),
    get return() { return it.return && (async v => settled(it.return(v))); },
    get throw() { return it.throw && (async e => settled(it.throw(e))); },
  };
}

// makeAsyncGenerator makes the class of asynchronous generators.
function makeAsyncGenerator(symbol) {
  class AsyncGenerator {
    #generator; #running = false; #asked = []; #answered = 0;
    constructor(generator) { this.#generator = generator; }
    next(value) { return this.#ask('next', value); }
    return(value) { return this.#ask('return', value); }
    throw(value) { return this.#ask('throw', value); }

    #ask(how, value) {
      return new Promise((resolve, reject) => {
        go.push(this.#asked, {how, value, resolve, reject});
        if (!this.#running) this.#run();
      });
    }

    // run answers what is asked, one after the other.
    async #run() {
      this.#running = true;
      while (this.#answered < this.#asked.length) {
        const asked = this.#asked[this.#answered++];
        let {how, value} = asked;
        try {
          if (how === 'return') {
            try { value = await value; } catch (e) { how = 'throw'; value = e; }
          }
          for (;;) {
            if (how === 'return') leaving = value;
            const r = this.#generator[how](value);
            if (r.done || 'emit' in r.value) {
              asked.resolve({value: r.done ? r.value : r.value.emit, done: r.done});
              break;
            }
            how = 'next';
            try { value = await r.value.await; } catch (e) { how = 'throw'; value = e; }
          }
        } catch (e) {
          asked.reject(e);
        }
      }
      this.#asked.length = this.#answered = 0;
      this.#running = false;
    }
  }
  const P = AsyncGenerator.prototype;
  delete P.constructor;
  go.define(P, symbol, function () { return this; });
  go.define(P, go.toStringTag, 'AsyncGenerator');
  return AsyncGenerator;
}

let AsyncGenerator;
exports.asyncGenerator = function (generator, symbol) {
  AsyncGenerator = AsyncGenerator || makeAsyncGenerator(symbol);
  return new AsyncGenerator(generator);
};

exports.delegate = function* (iterable, symbol) {
  const it = iteratorOf(iterable, symbol);
  let how = 'next', value, r;
  for (;;) {
    if (how === 'next') r = object(yield {await: it.next(value)});
    if (how === 'throw') {
      const f = it.throw;
      if (f === undefined || f === null) {
        const close = it.return;
        if (close) yield {await: go.apply(close, it, [])};
        throw new TypeError('the iterator has no method throw');
      }
      r = object(yield {await: go.apply(f, it, [value])});
    }
    if (r.done) return r.value;
    how = 'return';
    try {
      value = yield {emit: r.value};
      how = 'next';
    } catch (e) {
      value = e;
      how = 'throw';
    } finally {
      if (how === 'return') {
        const left = leaving, f = it.return;
        if (f !== undefined && f !== null) {
          r = object(yield {await: go.apply(f, it, [left])});
          if (r.done) return r.value;
          how = 'emit';
          continue;
        }
      }
    }
  }
};

exports.forAwait = function (iterable, symbol) {
  const it = iteratorOf(iterable, symbol), next = it.next;
  let failed = false;
  const loop = {
    open: false, value: undefined,
    next() { loop.open = false; return go.apply(next, it, []); },
    take(r) {
      if (object(r).done) return false;
      loop.value = r.value;
      loop.open = true;
      return true;
    },
    fail() { failed = true; },
    close() {
      if (failed) return quietly();
      const f = it.return;
      return f === undefined || f === null ? {} : go.apply(f, it, []);
    },
    closed(r) { object(r); },
  };
  // quietly closes what an error has left, which is told and not another.
  const quietly = async () => {
    try {
      const f = it.return;
      if (f !== undefined && f !== null) await go.apply(f, it, []);
    } catch { /* the first error counts */ }
    return {};
  };
  return loop;
};

// --- texts ---

// matchAll finds the matches of a RegExp that nobody else has.
exports.matchAll = function* (re, text, all) {
  for (;;) {
    const m = re.exec(text);
    if (m === null) return;
    yield m;
    if (!all) return;
    if (go.text(m[0]) === '') go.advance(re, text);
  }
};

exports.raw = function (strings, ...values) {
  const list = strings.raw, n = go.lengthOf(list);
  let text = '';
  for (let i = 0; i < n; i++) {
    text += go.text(list[i]);
    if (i + 1 < n && i < values.length) text += go.text(values[i]);
  }
  return text;
};

// --- JSON ---

exports.get = function (o, k) { return o[k]; };
exports.put = function (o, k, v) { o[k] = v; };

// keys are an object's own n keys, which come before those that it inherits.
exports.keys = function (o, n) {
  const list = [];
  for (const k in o) {
    if (list.length === n) break;
    go.push(list, k);
  }
  return list;
};

exports.revive = function (value, f) {
  function walk(holder, key) {
    const v = holder[key];
    if (v !== null && typeof v === 'object') {
      for (const k of go.keys(v)) {
        const changed = walk(v, k);
        if (changed === undefined) delete v[k]; else go.set(v, k, changed);
      }
    }
    return go.apply(f, holder, [key, v]);
  }
  return walk({'': value}, '');
};

// replaced makes a copy of a value that JSON.stringify prints as it would the
// value with a replacer.
exports.replaced = function (value, replacer) {
  const f = typeof replacer === 'function' ? replacer : null;
  let only = null;
  if (!f && isArray(replacer)) {
    only = [];
    for (let i = 0; i < go.lengthOf(replacer); i++) {
      const k = go.keyOf(replacer[i]);
      if (k !== undefined && !go.has(only, k)) go.push(only, k);
    }
  }
  if (!f && !only) return value;
  const open = [];
  function walk(holder, key) {
    let v = holder[key];
    if (v !== null && (typeof v === 'object' || typeof v === 'bigint') && typeof v.toJSON === 'function') v = v.toJSON(key);
    if (f) v = go.apply(f, holder, [key, v]);
    v = go.unboxed(v);
    if (v === null || typeof v !== 'object') return v;
    if (go.has(open, v)) throw new TypeError('the value contains itself: cycles are not JSON');
    go.push(open, v);
    let out;
    if (isArray(v)) {
      out = [];
      const n = go.lengthOf(v);
      for (let i = 0; i < n; i++) go.push(out, walk(v, '' + i));
    } else {
      out = go.bare();
      for (const k of only || go.keys(v)) go.set(out, k, walk(v, k));
    }
    open.length--;
    return out;
  }
  return walk({'': value}, '');
};

// --- bytes and texts ---

exports.Bytes = function (Uint8Array) {
  class Bytes extends Uint8Array {
    toString(encoding) { return go.bytesToString(this, encoding); }
  }
  return Bytes;
};

exports.TextEncoder = function () {
  class TextEncoder {
    get encoding() { return 'utf-8'; }
    encode(text) { return go.encode(text === undefined ? '' : go.text(text)); }
    encodeInto(text, bytes) { return go.encodeInto(text, bytes); }
  }
  go.define(TextEncoder.prototype, go.tag, 'TextEncoder');
  return TextEncoder;
};

exports.TextDecoder = function () {
  class TextDecoder {
    #encoding; #fatal; #keepBOM; #decode;
    constructor(label = 'utf-8', options = {}) {
      this.#encoding = go.encodingOf(go.text(label));
      this.#fatal = !!(options && options.fatal);
      this.#keepBOM = !!(options && options.ignoreBOM);
      this.#decode = go.decoder(this.#encoding, this.#fatal, this.#keepBOM);
    }
    get encoding() { return this.#encoding; }
    get fatal() { return this.#fatal; }
    get ignoreBOM() { return this.#keepBOM; }
    decode(bytes, options) { return go.apply(this.#decode, undefined, [bytes, !!(options && options.stream)]); }
  }
  go.define(TextDecoder.prototype, go.tag, 'TextDecoder');
  return TextDecoder;
};

// iterators adds to the shared URL and URLSearchParams what ES5 doesn't have.
exports.iterators = function (URL, URLSearchParams) {
  const P = URLSearchParams.prototype;
  const walks = {
    *entries() { for (let i = 0; i < this._pairs.length; i++) yield [this._pairs[i][0], this._pairs[i][1]]; },
    *keys() { for (let i = 0; i < this._pairs.length; i++) yield this._pairs[i][0]; },
    *values() { for (let i = 0; i < this._pairs.length; i++) yield this._pairs[i][1]; },
  };
  go.define(P, 'entries', walks.entries);
  go.define(P, 'keys', walks.keys);
  go.define(P, 'values', walks.values);
  go.define(P, go.iterator, walks.entries);
  go.define(P, go.tag, 'URLSearchParams');
  go.define(URL.prototype, go.tag, 'URL');
};

// functions has a function of each kind.
exports.functions = function () { return [async function () {}, function* () {}]; };

// guardProto puts a check in front of the setter of __proto__.
exports.guardProto = function (prototype, check) {
  const own = go.describe(prototype, '__proto__');
  go.accessor(prototype, '__proto__', function () { return go.apply(own.get, this, []); }, function (p) {
    check(this, p);
    go.apply(own.set, this, [p]);
  });
};
