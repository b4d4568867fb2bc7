// What the language has had since ECMAScript 2024, and globals of the web. It is loaded
// when a run first needs something of it. The names exports and module are those of any
// file; module holds what Go gives.
'use strict';

const go = module;

// install gives an object methods. They are written as methods, so none is a constructor.
function install(o, methods) {
  for (const k of go.keys(methods)) go.define(o, k, methods[k]);
}

function callable(f) { if (typeof f !== 'function') throw new TypeError('this wants a function'); }

// --- Object, Map, Promise, Array ---

// groups are a Map of what f makes of each item.
function groups(items, f, keyOf) {
  callable(f);
  const all = go.make('Map');
  let i = 0;
  for (const item of items) {
    const key = keyOf(f(item, i++)), list = all.get(key);
    if (list === undefined) all.set(key, [item]); else go.push(list, item);
  }
  return all;
}

exports.groupBy = function (Object, Map) {
  install(Object, {
    groupBy(items, f) {
      const out = go.bare();
      for (const pair of groups(items, f, go.key)) go.put(out, pair[0], pair[1]);
      return out;
    },
  });
  install(Map, {groupBy(items, f) { return groups(items, f, key => key); }});
};

exports.promises = function (Promise) {
  install(Promise, {
    withResolvers() {
      let resolve, reject;
      const promise = new this((a, b) => { resolve = a; reject = b; });
      return {promise, resolve, reject};
    },
    try(f, ...args) { return new this(resolve => resolve(f(...args))); },
  });
};

exports.fromAsync = function (Array) {
  install(Array, {
    fromAsync(items, f, self) {
      return (async () => {
        if (f !== undefined) callable(f);
        const list = [];
        for (let value of go.isIterable(items) ? items : go.copy(items)) {
          value = await value;
          go.push(list, f === undefined ? value : await go.apply(f, self, [value, list.length]));
        }
        return list;
      })();
    },
  });
};

// --- iterators ---

function object(o) { if (o === null || typeof o !== 'object' && typeof o !== 'function') throw new TypeError('this is not an iterator'); }

// each makes an iterator one that for can walk through, and close when it leaves.
function each(it) { return {[go.iterator]() { return it; }}; }

// count is how many elements take and drop are about.
function count(n) {
  n = +n;
  if (n - n === 0) n -= n % 1;
  if (!(n >= 0)) throw new RangeError(n + ' is no number of elements');
  return n;
}

// inner is what flatMap walks through for one element.
function inner(o) {
  object(o);
  return go.isIterable(o) ? o : each(o);
}

// Helper is an iterator by a generator that hasn't to be begun to be closed.
class Helper {
  #it; #walk; #begun = false;
  constructor(it, walk) { this.#it = it; this.#walk = walk; }
  next() { this.#begun = true; return this.#walk.next(); }
  return() {
    if (!this.#begun) {
      this.#begun = true;
      this.#walk.return();
      if (this.#it.return !== undefined) this.#it.return();
    }
    return this.#walk.return();
  }
}

// Wrapped is what Iterator.from makes of an iterator that doesn't inherit from Iterator.
class Wrapped {
  #it;
  constructor(it) { this.#it = it; }
  next() { return this.#it.next(); }
  return() { return this.#it.return === undefined ? {value: undefined, done: true} : this.#it.return(); }
}

function helper(it, walk, f) {
  object(it);
  if (f !== undefined) callable(f.f);
  return new Helper(it, walk(it));
}

exports.iterator = function (prototype) {
  function Iterator() {
    if (new.target === undefined || new.target === Iterator) throw new TypeError('Iterator is there to be extended');
  }
  go.prototype(Iterator, prototype);
  for (const C of [Helper, Wrapped]) {
    go.inherit(C.prototype, prototype);
    delete C.prototype.constructor;
  }
  go.define(Helper.prototype, go.tag, 'Iterator Helper');
  go.define(prototype, go.tag, 'Iterator');
  go.define(prototype, 'constructor', Iterator);
  install(Iterator, {
    from(o) {
      if (typeof o !== 'string') object(o);
      const it = go.isIterable(o) ? go.iteratorOf(o) : o;
      return go.inherits(it, prototype) ? it : new Wrapped(it);
    },
  });
  install(prototype, {
    map(f) {
      return helper(this, function* (it) { let i = 0; for (const v of each(it)) yield f(v, i++); }, {f});
    },
    filter(f) {
      return helper(this, function* (it) { let i = 0; for (const v of each(it)) if (f(v, i++)) yield v; }, {f});
    },
    take(n) {
      object(this);
      n = count(n);
      return helper(this, function* (it) {
        let left = n;
        if (left === 0) { if (it.return !== undefined) it.return(); return; }
        for (const v of each(it)) { yield v; if (--left === 0) return; }
      });
    },
    drop(n) {
      object(this);
      n = count(n);
      return helper(this, function* (it) { let left = n; for (const v of each(it)) if (left > 0) left--; else yield v; });
    },
    flatMap(f) {
      return helper(this, function* (it) { let i = 0; for (const v of each(it)) for (const w of inner(f(v, i++))) yield w; }, {f});
    },
    reduce(f, ...first) {
      object(this);
      callable(f);
      let i = 0, given = first.length > 0, sum = first[0];
      for (const v of each(this)) {
        if (given) sum = f(sum, v, i); else { sum = v; given = true; }
        i++;
      }
      if (!given) throw new TypeError('reduce of no elements without a first value');
      return sum;
    },
    toArray() {
      object(this);
      const list = [];
      for (const v of each(this)) go.push(list, v);
      return list;
    },
    forEach(f) {
      object(this);
      callable(f);
      let i = 0;
      for (const v of each(this)) f(v, i++);
    },
    some(f) {
      object(this);
      callable(f);
      let i = 0;
      for (const v of each(this)) if (f(v, i++)) return true;
      return false;
    },
    every(f) {
      object(this);
      callable(f);
      let i = 0;
      for (const v of each(this)) if (!f(v, i++)) return false;
      return true;
    },
    find(f) {
      object(this);
      callable(f);
      let i = 0;
      for (const v of each(this)) if (f(v, i++)) return v;
    },
  });
  return Iterator;
};

// --- structuredClone, queueMicrotask ---

exports.queueMicrotask = function () {
  return {
    queueMicrotask(f) {
      callable(f);
      (async () => { await undefined; f(); })();
    },
  }.queueMicrotask;
};

exports.structuredClone = function () {
  return {
    structuredClone(value, options) {
      if (arguments.length === 0) throw new TypeError('structuredClone wants a value');
      const moved = options === undefined || options === null || options.transfer === undefined ? [] : go.copy(options.transfer);
      for (const o of moved) if (go.kindOf(o) !== 'ArrayBuffer') go.fail('DataCloneError', 'what is transferred has to be an ArrayBuffer');
      const copy = clone(value, go.make('Map'));
      for (const o of moved) go.detach(o);
      return copy;
    },
  }.structuredClone;
};

function refuse(what) { go.fail('DataCloneError', what + ' can\'t be cloned'); }

function clone(v, seen) {
  const kind = go.kindOf(v);
  if (kind === 'value') return v;
  if (seen.has(v)) return seen.get(v);
  const into = go.blank(kind, v, buffer => clone(buffer, seen));
  if (into === undefined) refuse(kind);
  seen.set(v, into);
  switch (kind) {
  case 'Map':
    for (const pair of go.entries(v)) into.set(clone(pair[0], seen), clone(pair[1], seen));
    break;
  case 'Set':
    for (const pair of go.entries(v)) into.add(clone(pair[0], seen));
    break;
  case 'Error':
    if (go.owns(v, 'cause')) go.define(into, 'cause', clone(v.cause, seen));
    break;
  case 'Array':
    into.length = go.lengthOf(v);
    // fall through
  case 'Object':
    for (const k of go.keys(v)) go.set(into, k, clone(v[k], seen));
  }
  return into;
}

// --- crypto.subtle ---

let rawOf;

class CryptoKey {
  #raw; #algorithm; #extractable; #usages;
  static { rawOf = key => { if (!(#raw in key)) throw new TypeError('this is not a CryptoKey'); return key.#raw; }; }
  constructor(secret, raw, algorithm, extractable, usages) {
    if (secret !== go) throw new TypeError('a CryptoKey comes from crypto.subtle');
    this.#raw = raw;
    this.#algorithm = algorithm;
    this.#extractable = extractable;
    this.#usages = usages;
  }
  get type() { return 'secret'; }
  get algorithm() { return this.#algorithm; }
  get extractable() { return this.#extractable; }
  get usages() { return this.#usages; }
}
go.define(CryptoKey.prototype, go.tag, 'CryptoKey');
exports.CryptoKey = function () { return CryptoKey; };

function nameOf(algorithm) {
  return go.text(algorithm !== null && typeof algorithm === 'object' ? algorithm.name : algorithm);
}

function hmacOnly(algorithm) {
  if (go.upper(nameOf(algorithm)) !== 'HMAC') go.fail('NotSupportedError', 'crypto.subtle has digest, and keys for HMAC');
}

// hmacKey is the key for an algorithm {name: 'HMAC', hash}. generateKey and importKey
// give what makes its bytes.
function hmacKey(algorithm, extractable, usages, bytes) {
  hmacOnly(algorithm);
  const hash = go.hashName(nameOf(algorithm.hash)), list = [];
  for (const u of go.copy(usages)) {
    if (u !== 'sign' && u !== 'verify') go.fail('SyntaxError', 'a key for HMAC is used to sign and verify');
    if (!go.has(list, u)) go.push(list, u);
  }
  if (list.length === 0) go.fail('SyntaxError', 'a key that is used for nothing is no use');
  const raw = bytes(hash);
  if (raw.length === 0) go.fail('DataError', 'the key is empty');
  return new CryptoKey(go, raw, {name: 'HMAC', hash: {name: hash}, length: raw.length * 8}, !!extractable, list);
}

function usable(algorithm, key, usage) {
  hmacOnly(algorithm);
  const raw = rawOf(key);
  if (!go.has(key.usages, usage)) go.fail('InvalidAccessError', 'the key isn\'t for this: its usages lack ' + usage);
  return go.hmacOf(key.algorithm.hash.name, raw);
}

class SubtleCrypto {
  async digest(algorithm, data) { return go.digest(go.hashName(nameOf(algorithm)), data); }
  async importKey(format, data, algorithm, extractable, usages) {
    return hmacKey(algorithm, extractable, usages, () => {
      switch (format) {
      case 'raw': return go.bytes(data);
      case 'jwk':
        if (data === null || typeof data !== 'object' || data.kty !== 'oct') go.fail('DataError', 'the key has to be one with the kty oct');
        return go.fromBase64url(go.text(data.k));
      }
      go.fail('NotSupportedError', 'a key for HMAC comes as raw or jwk');
    });
  }
  async generateKey(algorithm, extractable, usages) {
    return hmacKey(algorithm, extractable, usages, hash => go.randomKey(hash, algorithm.length));
  }
  async exportKey(format, key) {
    const raw = rawOf(key);
    if (!key.extractable) go.fail('InvalidAccessError', 'the key isn\'t extractable');
    switch (format) {
    case 'raw': return go.bytes(raw).buffer;
    case 'jwk': return {key_ops: key.usages, ext: true, kty: 'oct', k: go.base64url(raw), alg: 'HS' + go.text(key.algorithm.hash.name).slice(4)};
    }
    go.fail('NotSupportedError', 'a key for HMAC goes as raw or jwk');
  }
  async sign(algorithm, key, data) { return usable(algorithm, key, 'sign')(data).buffer; }
  async verify(algorithm, key, signature, data) { return go.timingSafeEqual(usable(algorithm, key, 'verify')(data), go.bytes(signature), true); }
}
go.define(SubtleCrypto.prototype, go.tag, 'SubtleCrypto');
exports.subtle = function () { return new SubtleCrypto(); };
