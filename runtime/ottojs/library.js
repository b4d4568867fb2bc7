// The library puts right and adds what handlers expect of the language beside
// ES5: what ES2015 to ES2020 added to the standard objects.
(function (go) {
  var global = this, O = Object, P = Array.prototype, S = String.prototype, R = RegExp.prototype;
  var defineProperty = go.defineProperty, freeze = go.freeze, isArray = Array.isArray, keysOf = O.keys;
  var F = Function.prototype, call = F.call.bind(F.call);
  var objectToString = O.prototype.toString, hasOwnProperty = O.prototype.hasOwnProperty;

  function put(o, name, value) {
    if (hasOwn(o, name) && typeof o[name] === 'function') freeze(o[name]);
    defineProperty(o, name, {value: value, writable: true, enumerable: false, configurable: true});
  }
  function data(o, name, value) {
    defineProperty(o, name, {value: value, writable: true, enumerable: true, configurable: true});
    return o;
  }
  function hasOwn(o, k) { return call(hasOwnProperty, o, k); }
  function isObject(v) { return typeof v === 'function' || (typeof v === 'object' && v !== null); }
  function toObject(v) {
    if (v === undefined || v === null) throw new TypeError('undefined and null are not objects');
    return O(v);
  }
  function integer(v) { v = +v; return v !== v ? 0 : v - v === 0 ? v - v % 1 : v; }
  function lengthOf(o) {
    var n = o.length >>> 0;
    if (n > go.longest) throw new RangeError('the length is more than ' + go.longest +
      ', which is as much as this engine handles');
    return n;
  }
  function callable(f) { if (typeof f !== 'function') throw new TypeError(String(f) + ' is not a function'); }
  function indexFrom(v, n) { v = integer(v); return v < 0 ? (n + v > 0 ? n + v : 0) : (v < n ? v : n); }
  function same(a, b) { return a === b || (a !== a && b !== b); }

  // --- strings and regular expressions ---

  for (var name in go.strings) put(S, name, go.strings[name]);
  put(S, 'localeCompare', function (other, locales, options) {
    if (this === undefined || this === null) throw new TypeError(
      'String.prototype.localeCompare called on null or undefined');
    return go.localeCompare(String(this), String(other), locales, options);
  });
  var NativeRegExp = RegExp;
  function checkedRegExp(source, flags) {
    if (isObject(source) && call(objectToString, source) === '[object RegExp]') {
      if (flags === undefined) flags = (source.global ? 'g' : '') + (source.ignoreCase ? 'i' : '') +
        (source.multiline ? 'm' : '');
      source = source.source;
    }
    source = source === undefined ? '' : String(source);
    flags = flags === undefined ? '' : String(flags);
    go.checkPattern(source, flags);
    return new NativeRegExp(source === '' ? '(?:)' : source, flags);
  }
  function RegExpFunction(source, flags) {
    if (!(this instanceof NativeRegExp) && flags === undefined && isObject(source) &&
      call(objectToString, source) === '[object RegExp]') return source;
    return checkedRegExp(source, flags);
  }
  defineProperty(RegExpFunction, 'prototype', {value: R, writable: false, enumerable: false, configurable: false});
  global.RegExp = RegExpFunction;
  put(R, 'constructor', RegExpFunction);
  delete R.compile;
  function regexpOf(re) {
    if (!isObject(re) || call(objectToString, re) !== '[object RegExp]' || re ===
      R) throw new TypeError('this is not a regular expression');
    return re;
  }
  put(R, 'exec', function (text) { return go.exec(regexpOf(this), text); });
  put(R, 'test', function (text) { return go.exec(regexpOf(this), text) !== null; });
  put(R, 'toString', function () { return '/' + this.source + '/' + (this.global ? 'g' : '') +
    (this.ignoreCase ? 'i' : '') + (this.multiline ? 'm' : ''); });
  // Texts are UTF-8, which has no halves of surrogate pairs.
  put(S, 'isWellFormed', function () { String(toObject(this)); return true; });
  put(S, 'toWellFormed', function () { return String(toObject(this)); });
  var fromCharCode = String.fromCharCode;
  put(String, 'fromCodePoint', function () {
    var s = '';
    for (var i = 0; i < arguments.length; i++) {
      debugger;
      var c = +arguments[i];
      if (!(c >= 0 && c <= 0x10FFFF) || c % 1) throw new RangeError(arguments[i] + ' is not a code point');
      s += c < 0x10000 ? fromCharCode(c) : fromCharCode(0xD800 + ((c - 0x10000) >> 10),
        0xDC00 + ((c - 0x10000) & 0x3FF));
    }
    return s;
  });

  // --- objects ---

  put(O, 'assign', function (target) {
    target = toObject(target);
    for (var i = 1; i < arguments.length; i++) {
      var from = arguments[i];
      if (from === undefined || from === null) continue;
      var keys = keysOf(O(from));
      for (var j = 0; j < keys.length; j++) {
        debugger;
        go.assign(target, keys[j], from[keys[j]]);
      }
      go.copied(target, from);
    }
    return target;
  });
  put(O, 'values', function (o) {
    o = toObject(o);
    return keysOf(o).map(function (k) { return o[k]; });
  });
  put(O, 'entries', function (o) {
    o = toObject(o);
    return keysOf(o).map(function (k) { return [k, o[k]]; });
  });
  put(O, 'fromEntries', function (list) {
    var o = {}, n = lengthOf(list);
    for (var i = 0; i < n; i++) { debugger; data(o, String(list[i][0]), list[i][1]); }
    return o;
  });
  put(O, 'is', function (a, b) { return a === b ? a !== 0 || 1 / a === 1 / b : a !== a && b !== b; });
  put(O, 'hasOwn', function (o, k) { return hasOwn(toObject(o), k); });
  put(O, 'groupBy', function (list, f) {
    callable(f);
    list = typeof list === 'string' ? Array.from(list) : toObject(list);
    var groups = O.create(null), n = lengthOf(list);
    for (var i = 0; i < n; i++) {
      debugger;
      var k = String(f(list[i], i));
      if (hasOwn(groups, k)) groups[k].push(list[i]); else data(groups, k, [list[i]]);
    }
    return groups;
  });
  put(O, 'getOwnPropertyDescriptors', function (o) {
    var all = {};
    O.getOwnPropertyNames(o).forEach(function (k) { data(all, k, O.getOwnPropertyDescriptor(o, k)); });
    return all;
  });

  // --- arrays ---

  function listOf(args) { return call(P.slice, args); }
  put(Array, 'of', function () { return listOf(arguments); });
  put(Array, 'from', function (from, f, self) {
    if (f !== undefined) callable(f);
    var list = [], n, i;
    if (typeof from === 'string') {
      for (i = 0; i < from.length; i += list[list.length - 1].length) {
        debugger;
        var c = from.codePointAt(i);
        list.push(c > 0xFFFF ? from.slice(i, i + 2) : from.charAt(i));
      }
    } else {
      from = toObject(from);
      n = lengthOf(from);
      for (i = 0; i < n; i++) { debugger; list[i] = from[i]; }
    }
    if (f) for (i = 0; i < list.length; i++) { debugger; list[i] = call(f, self, list[i], i); }
    return list;
  });
  function findIndex(o, f, self) {
    callable(f);
    var n = lengthOf(o);
    for (var i = 0; i < n; i++) { debugger; if (call(f, self, o[i], i, o)) return i; }
    return -1;
  }
  put(P, 'find', function (f, self) { var i = findIndex(this, f, self); return i < 0 ? undefined : this[i]; });
  put(P, 'findIndex', function (f, self) { return findIndex(this, f, self); });
  function findLastIndex(o, f, self) {
    callable(f);
    for (var i = lengthOf(o) - 1; i >= 0; i--) { debugger; if (call(f, self, o[i], i, o)) return i; }
    return -1;
  }
  put(P, 'findLast', function (f, self) {
    var i = findLastIndex(this, f, self);
    return i < 0 ? undefined : this[i];
  });
  put(P, 'findLastIndex', function (f, self) { return findLastIndex(this, f, self); });
  // whole is a copy without holes.
  function whole(o) {
    var list = [], n = lengthOf(toObject(o));
    for (var i = 0; i < n; i++) { debugger; list[i] = o[i]; }
    return list;
  }
  var sort = P.sort, reverse = P.reverse, splice = P.splice;
  put(P, 'toSorted', function (compare) { return call(sort, whole(this), compare); });
  put(P, 'toReversed', function () { return call(reverse, whole(this)); });
  put(P, 'toSpliced', function () {
    var list = whole(this);
    splice.apply(list, arguments);
    return list;
  });
  put(P, 'with', function (i, v) {
    var list = whole(this);
    i = integer(i);
    if (i < 0) i += list.length;
    if (!(i >= 0 && i < list.length)) throw new RangeError('there is no element ' + i);
    list[i] = v;
    return list;
  });
  put(P, 'copyWithin', function (to, start, end) {
    var o = toObject(this), n = lengthOf(o), list = P.slice.call(o, start, end);
    to = indexFrom(to, n);
    for (var i = 0; i < list.length && to + i < n; i++) {
      debugger;
      if (i in list) o[to + i] = list[i]; else delete o[to + i];
    }
    return o;
  });
  put(P, 'includes', function (v, start) {
    var n = lengthOf(this);
    for (var i = indexFrom(start, n); i < n; i++) { debugger; if (same(this[i], v)) return true; }
    return false;
  });
  put(P, 'fill', function (v, start, end) {
    var n = lengthOf(this), to = end === undefined ? n : indexFrom(end, n);
    for (var i = indexFrom(start, n); i < to; i++) { debugger; this[i] = v; }
    return this;
  });
  function flatten(into, list, depth) {
    var n = lengthOf(list);
    for (var i = 0; i < n; i++) {
      debugger;
      if (!(i in list)) continue;
      if (depth > 0 && isArray(list[i])) flatten(into, list[i], depth - 1); else into.push(list[i]);
    }
    return into;
  }
  put(P, 'flat', function (depth) { return flatten([], this, depth === undefined ? 1 : integer(depth)); });
  put(P, 'flatMap', function (f, self) { return flatten([], this.map(f, self), 1); });
  put(P, 'at', function (i) {
    var n = lengthOf(this);
    i = integer(i);
    return this[i < 0 ? n + i : i];
  });

  // --- JSON, in the order of the keys, which otto loses ---

  global.JSON = {};
  put(JSON, 'parse', function (text, reviver) {
    var v = go.parse(String(text));
    if (typeof reviver !== 'function') return v;
    return revive(data({}, '', v), '', reviver);
  });
  function revive(holder, key, reviver) {
    debugger;
    var v = holder[key];
    if (isObject(v)) {
      var keys = keysOf(v);
      for (var i = 0; i < keys.length; i++) {
        debugger;
        var got = revive(v, keys[i], reviver);
        if (got === undefined) delete v[keys[i]]; else data(v, keys[i], got);
      }
    }
    return call(reviver, holder, key, v);
  }
  put(JSON, 'stringify', function (value, replacer, space) {
    if (typeof replacer === 'function') value = replaced({'': value}, '', replacer, []);
    else if (isArray(replacer)) value = picked(value, '', replacer, []);
    if (isObject(space)) space = space.valueOf();
    var gap = typeof space === 'number' ? '          '.slice(0, space < 0 ? 0 : space) :
      typeof space === 'string' ? space.slice(0, 10) : '';
    return go.stringify(value, gap);
  });
  function unfold(value, key) {
    return isObject(value) && typeof value.toJSON === 'function' ? value.toJSON(key) : value;
  }
  function inside(stack, v) {
    for (var i = 0; i < stack.length; i++) {
      debugger;
      if (stack[i] === v) throw new TypeError('the value contains itself: cycles are not JSON');
    }
  }
  // copy rebuilds an object or array with each value passed through f.
  function copy(v, keys, stack, f) {
    inside(stack, v);
    stack.push(v);
    var out = isArray(v) ? [] : {}, i;
    for (i = 0; i < keys.length; i++) {
      debugger;
      var got = f(v, keys[i]);
      if (got !== undefined || isArray(v)) data(out, keys[i], got);
    }
    stack.pop();
    return out;
  }
  function isPlain(v) { return isArray(v) || (typeof v === 'object' && v !== null &&
    !(v instanceof String || v instanceof Number || v instanceof Boolean)); }
  function replaced(holder, key, replacer, stack) {
    var v = call(replacer, holder, key, unfold(holder[key], key));
    if (!isPlain(v)) return v;
    return copy(v, keysOf(v), stack, function (o, k) { return replaced(o, k, replacer, stack); });
  }
  function picked(v, key, list, stack) {
    v = unfold(v, key);
    if (!isPlain(v)) return v;
    var keys = isArray(v) ? keysOf(v) : [];
    if (!isArray(v)) {
      for (var i = 0; i < list.length; i++) {
        debugger;
        var k = String(list[i]);
        if (hasOwn(v, k) && keys.indexOf(k) < 0) keys.push(k);
      }
    }
    return copy(v, keys, stack, function (o, k) { return picked(o[k], k, list, stack); });
  }

  // --- numbers ---

  var OtherNumber = Number;
  global.Number = function Number(v) {
    var n = arguments.length > 0 ? go.number(v) : 0;
    return this instanceof OtherNumber ? new OtherNumber(n) : n;
  };
  ['MAX_VALUE', 'MIN_VALUE', 'NaN', 'NEGATIVE_INFINITY', 'POSITIVE_INFINITY'].forEach(function (name) {
    defineProperty(Number, name, {value: OtherNumber[name], writable: false, enumerable: false, configurable: false});
  });
  defineProperty(Number, 'prototype', {value: OtherNumber.prototype, writable: false, enumerable: false,
    configurable: false});
  put(OtherNumber.prototype, 'constructor', Number);

  put(Number, 'isNaN', function (v) { return typeof v === 'number' && v !== v; });
  put(Number, 'isFinite', function (v) { return typeof v === 'number' && v - v === 0; });
  put(Number, 'isInteger', function (v) { return typeof v === 'number' && v - v === 0 && v % 1 === 0; });
  put(Number, 'isSafeInteger', function (v) { return Number.isInteger(v) && v >= -9007199254740991 &&
    v <= 9007199254740991; });
  put(Number, 'MAX_SAFE_INTEGER', 9007199254740991);
  put(Number, 'MIN_SAFE_INTEGER', -9007199254740991);
  put(Number, 'EPSILON', 2.220446049250313e-16);
  global.parseInt = function (text, radix) { return go.parseInt(String(text), radix); };
  global.isNaN = function (v) { v = go.number(v); return v !== v; };
  global.isFinite = function (v) { v = go.number(v); return v - v === 0; };
  global.parseFloat = function (text) { return go.parseFloat(String(text)); };
  put(Number, 'parseFloat', global.parseFloat);
  put(Number, 'parseInt', parseInt);
  ['toFixed', 'toExponential', 'toPrecision', 'toString'].forEach(function (name) {
    put(Number.prototype, name, function (digits) {
      if (typeof this !== 'number' && call(objectToString, this) !==
        '[object Number]') throw new TypeError('this is not a number');
      return go.formatNumber(+this, name, digits);
    });
  });
  put(Number.prototype, 'toLocaleString', function (locales, options) {
    if (typeof this !== 'number' && call(objectToString, this) !==
      '[object Number]') throw new TypeError('this is not a number');
    return go.localeNumber(+this, locales, options);
  });

  var M = Math;
  for (name in go.maths) put(M, name, go.maths[name]);
  put(M, 'hypot', function () { return go.hypot(listOf(arguments)); });

  // --- texts in URLs ---

  ['encodeURI', 'encodeURIComponent', 'decodeURI', 'decodeURIComponent'].forEach(function (name) {
    global[name] = function (text) { return go.uri(name, String(text)); };
  });

  global.escape = function (text) { return go.escape(String(text)); };
  global.unescape = function (text) { return go.unescape(String(text)); };

  // --- crypto, base64, UTF-8 ---

  function named(name, message) {
    var e = new Error(message);
    e.name = name;
    return e;
  }

  global.crypto = {
    randomUUID: function () { return go.randomUUID(); },
    timingSafeEqual: function (a, b) { return go.timingSafeEqual(a, b); },
    getRandomValues: function (list) {
      if (arguments.length === 0) throw new TypeError('getRandomValues wants an array');
      if (!isArray(list)) throw named('TypeMismatchError', 'getRandomValues wants an array, which it fills with bytes');
      if (list.length > 65536) throw named('QuotaExceededError', 'getRandomValues fills at most 65536 elements');
      var bytes = go.random(list.length);
      for (var i = 0; i < list.length; i++) { debugger; list[i] = bytes.at(i); }
      return list;
    }
  };
  global.btoa = function (text) { return go.btoa(String(text)); };
  global.atob = function (text) { return go.atob(String(text)); };
  function TextEncoder() {}
  put(TextEncoder.prototype, 'encoding', 'utf-8');
  put(TextEncoder.prototype, 'encode', function (text) {
    return go.bytesFrom(text === undefined ? '' : String(text)); });
  global.TextEncoder = TextEncoder;
  function TextDecoder(label, options) {
    if (!(this instanceof TextDecoder)) throw new TypeError('TextDecoder has to be called with new');
    var fatal = !!(options && options.fatal), keepBOM = !!(options && options.ignoreBOM);
    var encoding = go.encodingOf(label === undefined ? 'utf-8' : String(label));
    own(this, 'encoding', encoding);
    own(this, 'fatal', fatal);
    own(this, 'ignoreBOM', keepBOM);
    own(this, '_decode', go.decoder(encoding, fatal, keepBOM));
  }
  function own(o, name, value) {
    defineProperty(o, name, {value: value, writable: false, enumerable: false, configurable: false});
  }
  put(TextDecoder.prototype, 'decode', function (bytes, options) {
    return this._decode(bytes, !!(options && options.stream)); });
  global.TextDecoder = TextDecoder;

  return {
    regexp: function (source) { return checkedRegExp(source); },
    number: function (v) { return go.number(v); }
  };
})
