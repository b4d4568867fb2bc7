// The prelude runs once in every new interpreter. It takes away what a run
// could not be stopped in, puts right what otto does differently from the
// language, and at last makes everything unchangeable.
//
// It is ES5 for otto. Loops have a debugger statement, the checkpoint, where
// code of a handler decides how long they take. All that a function needs is
// captured here at the start, since a handler's own objects can't be trusted.
(function (go) {
  var global = this;
  var O = Object, P = Array.prototype, S = String.prototype, F = Function.prototype, R = RegExp.prototype;
  var getNames = O.getOwnPropertyNames, describe = O.getOwnPropertyDescriptor, defineProperty = O.defineProperty;
  var prototypeOf = O.getPrototypeOf, freeze = O.freeze, isExtensible = O.isExtensible, isArray = Array.isArray;
  var newArray = Array;
  var objectToString = O.prototype.toString, hasOwnProperty = O.prototype.hasOwnProperty;

  go.defineProperty = defineProperty; // for the rest of the prelude
  go.freeze = freeze;

  // call(f, thisValue, ...) with nothing looked up.
  var call = F.call.bind(F.call);

  function hasOwn(o, k) { return call(hasOwnProperty, o, k); }
  // Accessors are not found by Go when it makes everything unchangeable.
  function accessor(f) { freeze(f.prototype); return freeze(f); }
  function isObject(v) { return typeof v === 'function' || (typeof v === 'object' && v !== null); }
  // put replaces a method. What it replaces may be in use here, and a callback
  // can get hold of it as its caller.
  function put(o, name, value) {
    if (hasOwn(o, name) && typeof o[name] === 'function') freeze(o[name]);
    defineProperty(o, name, {value: value, writable: true, enumerable: false, configurable: true});
  }
  function data(o, name, value) {
    defineProperty(o, name, {value: value, writable: true, enumerable: true, configurable: true});
    return o;
  }

  // What an array may be long: more elements don't fit a run's memory anyway,
  // and natives that walk to the end can't be stopped on the way.
  var longest = go.longest;
  // Where deleting elements becomes noticeable: otto walks all for each.
  var slow = 4096;

  function tooLong() { return new RangeError('the length is more than ' + longest +
    ', which is as much as this engine handles'); }
  function lengthOf(o) {
    var n = o.length >>> 0;
    if (n > longest) throw tooLong();
    return n;
  }

  // --- arrays ---
  //
  // otto's own methods are not used, not even wrapped: they read a length that a
  // getter may have changed since it was checked, delete elements in a walk over
  // all of them, and a callback could get hold of them as its caller.

  function integer(v) { v = +v; return v !== v ? 0 : v - v === 0 ? v - v % 1 : v; }
  function indexFrom(v, n) { v = integer(v); return v < 0 ? (n + v > 0 ? n + v : 0) : (v < n ? v : n); }
  function callable(f) { if (typeof f !== 'function') throw new TypeError(String(f) + ' is not a function'); }
  function object(o) {
    if (o === undefined || o === null) throw new TypeError('undefined and null have no elements');
    return O(o);
  }
  function invoke(f, self, v, i, o) { return self === undefined ? f(v, i, o) : call(f, self, v, i, o); }
  function element(o, i, v) {
    defineProperty(o, i, {value: v, writable: true, enumerable: true, configurable: true});
  }

  put(P, 'forEach', function (f, self) {
    var o = object(this), n = lengthOf(o);
    callable(f);
    for (var i = 0; i < n; i++) { debugger; if (i in o) invoke(f, self, o[i], i, o); }
  });
  put(P, 'map', function (f, self) {
    var o = object(this), n = lengthOf(o), out = [];
    callable(f);
    for (var i = 0; i < n; i++) { debugger; if (i in o) out[i] = invoke(f, self, o[i], i, o); }
    if (out.length !== n) out.length = n;
    return out;
  });
  put(P, 'filter', function (f, self) {
    var o = object(this), n = lengthOf(o), out = [];
    callable(f);
    for (var i = 0, k = 0; i < n; i++) {
      debugger;
      if (!(i in o)) continue;
      var v = o[i];
      if (invoke(f, self, v, i, o)) out[k++] = v;
    }
    return out;
  });
  put(P, 'some', function (f, self) {
    var o = object(this), n = lengthOf(o);
    callable(f);
    for (var i = 0; i < n; i++) { debugger; if (i in o && invoke(f, self, o[i], i, o)) return true; }
    return false;
  });
  put(P, 'every', function (f, self) {
    var o = object(this), n = lengthOf(o);
    callable(f);
    for (var i = 0; i < n; i++) { debugger; if (i in o && !invoke(f, self, o[i], i, o)) return false; }
    return true;
  });
  function fold(o, n, i, step, f, given, value) {
    callable(f);
    for (; i >= 0 && i < n; i += step) {
      debugger;
      if (!(i in o)) continue;
      if (given) value = f(value, o[i], i, o);
      else { value = o[i]; given = true; }
    }
    if (!given) throw new TypeError('reduce of no elements without a first value');
    return value;
  }
  put(P, 'reduce', function (f) {
    var o = object(this), n = lengthOf(o);
    return fold(o, n, 0, 1, f, arguments.length > 1, arguments[1]);
  });
  put(P, 'reduceRight', function (f) {
    var o = object(this), n = lengthOf(o);
    return fold(o, n, n - 1, -1, f, arguments.length > 1, arguments[1]);
  });

  // search is indexOf in one direction. Go does it, but for undefined, which it
  // can't tell from an element that isn't there.
  function search(o, v, i, step, n) {
    if (v !== undefined) return go.indexOf(o, v, i, step, n);
    for (; i >= 0 && i < n; i += step) { debugger; if (i in o && o[i] === undefined) return i; }
    return -1;
  }
  put(P, 'indexOf', function (v, start) {
    var o = object(this), n = lengthOf(o);
    return search(o, v, indexFrom(start, n), 1, n);
  });
  put(P, 'lastIndexOf', function (v, start) {
    var o = object(this), n = lengthOf(o);
    if (arguments.length < 2) return search(o, v, n - 1, -1, n);
    start = integer(start);
    return search(o, v, start < 0 ? n + start : start < n ? start : n - 1, -1, n);
  });
  put(P, 'slice', function (start, end) {
    var o = object(this), n = lengthOf(o), to = end === undefined ? n : indexFrom(end, n), out = [], k = 0;
    for (var i = indexFrom(start, n); i < to; i++, k++) { debugger; if (i in o) out[k] = o[i]; }
    if (out.length !== k) out.length = k;
    return out;
  });
  put(P, 'concat', function () {
    var out = [], k = 0;
    for (var a = -1; a < arguments.length; a++) {
      debugger;
      var e = a < 0 ? object(this) : arguments[a];
      if (!isArray(e)) { out[k++] = e; continue; }
      var n = lengthOf(e);
      if (k + n > longest) throw tooLong();
      for (var i = 0; i < n; i++, k++) { debugger; if (i in e) out[k] = e[i]; }
    }
    if (out.length !== k) out.length = k;
    return out;
  });

  // Methods that change the array. Deleting is slow in otto, so elements are
  // deleted one at a time, with a checkpoint between.
  function move(o, from, to) {
    if (from in o) o[to] = o[from]; else delete o[to];
  }
  function setLength(o, n) {
    if (!isArray(o)) return o.length = n;
    n = +n;
    if (n !== n >>> 0) throw new RangeError('Invalid array length');
    if (n < o.length && n >= 0) {
      for (var i = o.length; i - n > slow || i > slow && i > n; i--) { debugger; o.length = i - 1; }
    }
    return o.length = n;
  }
  put(P, 'pop', function () {
    var o = object(this), n = lengthOf(o);
    if (n === 0) { setLength(o, 0); return undefined; }
    var v = o[n - 1];
    delete o[n - 1];
    setLength(o, n - 1);
    return v;
  });
  put(P, 'shift', function () {
    var o = object(this), n = lengthOf(o), first = o[0];
    for (var i = 1; i < n; i++) { debugger; move(o, i, i - 1); }
    if (n > 0) delete o[n - 1];
    setLength(o, n > 0 ? n - 1 : 0);
    return first;
  });
  put(P, 'unshift', function () {
    var o = object(this), n = lengthOf(o), k = arguments.length, i;
    for (i = n; i > 0 && k > 0; i--) { debugger; move(o, i - 1, i + k - 1); }
    for (i = 0; i < k; i++) { debugger; o[i] = arguments[i]; }
    return setLength(o, n + k);
  });
  put(P, 'reverse', function () {
    var o = object(this), n = lengthOf(o);
    for (var i = 0, j = n - 1; i < j; i++, j--) {
      debugger;
      var hasA = i in o, hasB = j in o, a = o[i], b = o[j];
      if (hasB) o[i] = b; else delete o[i];
      if (hasA) o[j] = a; else delete o[j];
    }
    return o;
  });
  put(P, 'splice', function (start, count) {
    var o = object(this), n = lengthOf(o), k = arguments.length > 2 ? arguments.length - 2 : 0, removed = [], i;
    start = indexFrom(start, n);
    count = arguments.length === 0 ? 0 : arguments.length < 2 ? n - start : integer(count);
    count = count < 0 ? 0 : count < n - start ? count : n - start;
    for (i = 0; i < count; i++) { debugger; if (start + i in o) removed[i] = o[start + i]; }
    if (removed.length !== count) removed.length = count;
    if (k < count) {
      for (i = start; i < n - count; i++) { debugger; move(o, i + count, i + k); }
      for (i = n; i > n - count + k; i--) { debugger; delete o[i - 1]; }
    } else if (k > count) {
      for (i = n - count; i > start; i--) { debugger; move(o, i + count - 1, i + k - 1); }
    }
    for (i = 0; i < k; i++) { debugger; o[start + i] = arguments[i + 2]; }
    setLength(o, n - count + k);
    return removed;
  });
  put(P, 'toLocaleString', function (locales, options) {
    var o = object(this), n = lengthOf(o), list = [];
    for (var i = 0; i < n; i++) { debugger; list[i] = o[i] === undefined || o[i] === null ? '' :
      O(o[i]).toLocaleString(locales, options); }
    return go.join(list, n, ',');
  });

  // join is go.join, which counts bytes, unless there are objects: these are
  // made texts first, as that runs code.
  put(P, 'join', function (separator) {
    var n = lengthOf(this), sep = separator === undefined ? ',' : String(separator);
    var text = go.join(this, n, sep);
    if (text !== undefined) return text;
    var list = [];
    for (var i = 0; i < n; i++) {
      debugger;
      var e = this[i];
      list[i] = e === this ? '' : isObject(e) ? String(e) : e;
    }
    return go.join(list, n, sep);
  });
  put(P, 'toString', function () {
    return typeof this.join === 'function' ? this.join() : call(objectToString, this);
  });

  // A merge sort: stable, as the language has it since ES2019, and in steps
  // that end with the run, whatever the comparison says.
  function merge(from, to, low, middle, high, less) {
    for (var i = low, j = middle, k = low; k < high; k++) {
      debugger;
      if (i < middle && (j >= high || !less(from[j], from[i]))) to[k] = from[i++];
      else to[k] = from[j++];
    }
  }
  function mergeSort(list, less) {
    var n = list.length, from = list, to = [];
    for (var width = 1; width < n; width *= 2) {
      for (var low = 0; low < n; low += 2 * width) {
        var middle = low + width < n ? low + width : n, high = low + 2 * width < n ? low + 2 * width : n;
        merge(from, to, low, middle, high, less);
      }
      var swap = from; from = to; to = swap;
    }
    return from;
  }
  put(P, 'sort', function (compare) {
    if (compare !== undefined && typeof compare !==
      'function') throw new TypeError('sort wants a function that compares two elements');
    var n = lengthOf(this), list = [], undefineds = 0, i, k;
    for (i = 0; i < n; i++) {
      debugger;
      if (!(i in this)) continue;
      if (this[i] === undefined) undefineds++; else list[list.length] = this[i];
    }
    if (compare) {
      list = mergeSort(list, function (a, b) { return compare(a, b) < 0; });
    } else {
      var keyed = [];
      for (i = 0; i < list.length; i++) { debugger; keyed[i] = {k: String(list[i]), v: list[i]}; }
      keyed = mergeSort(keyed, function (a, b) { return go.lessText(a.k, b.k); });
      for (i = 0; i < keyed.length; i++) { debugger; list[i] = keyed[i].v; }
    }
    for (k = 0; k < list.length; k++) { debugger; this[k] = list[k]; }
    for (i = 0; i < undefineds; i++) { debugger; this[k++] = undefined; }
    for (; k < n; k++) { debugger; if (k in this) delete this[k]; }
    return this;
  });

  // --- functions ---

  // In Go, as otto's own makes room for any length, and can't be left within
  // the reach of the function that it calls.
  put(F, 'apply', go.apply);

  var concat = go.strings.concat;
  put(Error.prototype, 'toString', function () {
    var name = this.name;
    name = name === undefined ? 'Error' : String(name);
    var message = this.message;
    message = message === undefined ? '' : String(message);
    return name === '' ? message : message === '' ? name : call(concat, name, ': ', message);
  });

  // otto gives each kind of error a toString of its own.
  [EvalError, RangeError, ReferenceError, SyntaxError, TypeError,
    URIError].forEach(function (E) { delete E.prototype.toString; });

  var functionText = F.toString;
  put(F, 'toString', function () { return go.functionText(call(functionText, this)); });

  function noCode() { throw new EvalError('code can not be made at run time: eval and Function are not available'); }
  var NoFunction = function () { noCode(); };
  defineProperty(NoFunction, 'prototype', {value: F, writable: false, enumerable: false, configurable: false});
  put(F, 'constructor', NoFunction);
  put(global, 'Function', NoFunction);
  put(global, 'eval', function () { noCode(); });

  // --- objects ---

  // A String object has a property for each character.
  ['keys', 'getOwnPropertyNames', 'seal', 'freeze', 'isSealed', 'isFrozen'].forEach(function (name) {
    var native = O[name];
    put(O, name, function (o) {
      if (!isObject(o) && (name === 'isSealed' || name === 'isFrozen')) return true;
      o = object(o);
      if (call(objectToString, o) === '[object String]') lengthOf(o);
      var names = native(o);
      if (name === 'keys' || name === 'getOwnPropertyNames') names = go.ordered(names);
      return prototypeOf(o) === requestPrototype && isArray(names) ? requestNames(names) : names;
    });
  });

  // otto fails inside when it is asked about the accessors that it gave these.
  function hidden(o, k) {
    return typeof o === 'function' && k === 'caller' || k === 'stack' && call(objectToString, o) === '[object Error]';
  }
  put(O, 'getOwnPropertyDescriptor', function (o, k) {
    k = String(k);
    if (isObject(o) && hidden(o, k) && hasOwn(o, k)) {
      return {value: k === 'stack' ? o.stack : null, writable: false, enumerable: false, configurable: k === 'stack'};
    }
    return describe(o, k);
  });

  // Globals are deleted between requests, which only plain properties allow, so
  // the global object can't be changed but by assignment. Descriptors are read
  // once, here: what a getter finds out of otto's functions could be used again.
  function notGlobal(o) {
    if (o === global) throw new TypeError('the global object can only be changed by assignment');
  }
  function descriptor(d) {
    if (!isObject(d)) throw new TypeError('a property is described by an object');
    var clean = {}, names = ['enumerable', 'configurable', 'value', 'writable', 'get', 'set'];
    for (var i = 0; i < names.length; i++) {
      if (names[i] in d) element(clean, names[i], d[names[i]]);
    }
    return clean;
  }
  // otto takes '01' for the index 1 when it defines a property of an array. So it does
  // here, and what became of the index is undone.
  function defineOddIndex(o, k, d) {
    var i = +k, n = o.length, old = hasOwn(o, i) && describe(o, i);
    if (!isExtensible(o) && !hasOwn(o, k)) throw new TypeError('the array is not extensible');
    if (i >= longest) throw tooLong();
    if (i >= n) o.length = i + 1;
    element(d, 'configurable', true);
    defineProperty(o, k, d);
    if (old) defineProperty(o, i, old); else delete o[i];
    if (i >= n) setLength(o, n);
  }
  function plain(v) { return {value: v, writable: true, enumerable: true, configurable: true}; }
  // Assigning to this stands for assigning to such a property, see vm.key.
  defineProperty(P, go.oddIndex, {
    get: accessor(function () {
      var k = go.oddName(this, false);
      return k === undefined ? k : this[k];
    }),
    set: accessor(function (v) {
      var k = go.oddName(this, true);
      if (k === undefined) return;
      if (hasOwn(this, k) ? describe(this, k).writable : isExtensible(this)) defineOddIndex(this, k, plain(v));
    }),
    enumerable: false, configurable: false
  });
  function defineOne(o, k, d) {
    notGlobal(o);
    if (isArray(o) && go.isOddIndex(k)) return defineOddIndex(o, k, d);
    if (k === 'length' && isArray(o) && hasOwn(d, 'value')) {
      setLength(o, d.value);
      delete d.value;
    }
    // otto makes a property read-only of which that isn't said.
    if (!hasOwn(d, 'writable') && !hasOwn(d, 'get') && !hasOwn(d, 'set') && hasOwn(o, k) && !hidden(o, k)) {
      var old = describe(o, k);
      if (hasOwn(old, 'writable')) element(d, 'writable', old.writable);
    }
    defineProperty(o, k, d);
  }
  function defineAll(o, list) {
    list = O(list);
    var keys = O.keys(list), clean = [], i;
    for (i = 0; i < keys.length; i++) { debugger; clean[i] = descriptor(list[keys[i]]); }
    for (i = 0; i < keys.length; i++) { debugger; defineOne(o, keys[i], clean[i]); }
    return o;
  }
  put(O, 'defineProperty', function (o, k, d) {
    if (!isObject(o)) throw new TypeError('only objects have properties to define');
    defineOne(o, String(k), descriptor(d));
    return o;
  });
  put(O, 'defineProperties', function (o, list) {
    if (!isObject(o)) throw new TypeError('only objects have properties to define');
    return defineAll(o, list);
  });
  var create = O.create;
  put(O, 'create', function (prototype, list) {
    var o = create(prototype);
    return list === undefined ? o : defineAll(o, list);
  });
  ['preventExtensions', 'seal', 'freeze'].forEach(function (name) {
    var native = O[name];
    put(O, name, function (o) {
      notGlobal(o);
      return isObject(o) ? native(o) : o;
    });
  });

  // --- dates ---

  // All but the getters is done in Go: see dates.go.
  var otherDate = Date, D = Date.prototype, getTime = D.getTime, setTime = D.setTime;
  function primitive(o) {
    for (var i = 0, v; i < 2; i++) {
      var f = i ? o.toString : o.valueOf;
      if (typeof f === 'function' && !isObject(v = call(f, o))) return v;
    }
    throw new TypeError('this object has no primitive value');
  }
  function listOf(args) {
    var list = [];
    for (var i = 0; i < args.length && i < 7; i++) { debugger; list[i] = args[i]; }
    return list;
  }
  var NewDate = function Date(year, month, date, hours, minutes, seconds, ms) {
    if (!(this instanceof Date)) return go.dateText(new otherDate().getTime(), 'toString');
    if (arguments.length === 0) return new otherDate();
    if (arguments.length > 1) return new otherDate(go.dateNew(listOf(arguments)));
    if (isObject(year)) year = call(objectToString, year) === '[object Date]' ? call(getTime, year) : primitive(year);
    return new otherDate(typeof year === 'string' ? go.dateParse(year) : go.dateClip(year));
  };
  defineProperty(NewDate, 'prototype', {value: D, writable: false, enumerable: false, configurable: false});
  put(NewDate, 'UTC', function (year) {
    return go.dateNew(arguments.length > 0 ? listOf(arguments) : [undefined], true); });
  put(NewDate, 'now', Date.now);
  put(NewDate, 'parse', function (text) { return go.dateParse(String(text)); });
  ['toString', 'toDateString', 'toTimeString', 'toUTCString', 'toISOString'].forEach(function (name) {
    put(D, name, function () { return go.dateText(call(getTime, this), name); });
  });
  put(D, 'toGMTString', D.toUTCString);
  function putLocale(name, what) {
    put(D, name, function (locales, options) { return go.localeDate(call(getTime, this), what, locales, options); });
  }
  putLocale('toLocaleString', 'all'); putLocale('toLocaleDateString', 'date'); putLocale('toLocaleTimeString', 'time');
  // putTime keeps otto's invalid dates from staying what they are in silence.
  function putTime(o, time) {
    if (call(setTime, o, time) !== time && time === time) throw new TypeError(
      'an invalid Date can not be set on this engine; make a new Date');
    return time;
  }
  put(D, 'setTime', function (time) { return putTime(this, go.dateClip(time)); });
  function putSetters(name, first, most) {
    [false, true].forEach(function (utc) {
      put(D, (utc ? 'setUTC' : 'set') + name, function (part) {
        var list = [part], time = call(getTime, this);
        for (var i = 1; i < arguments.length && i < most; i++) { debugger; list[i] = arguments[i]; }
        return putTime(this, go.dateSet(time, first, list, utc));
      });
    });
  }
  putSetters('FullYear', 0, 3); putSetters('Month', 1, 2); putSetters('Date', 2, 1); putSetters('Hours', 3, 4);
  putSetters('Minutes', 4, 3); putSetters('Seconds', 5, 2); putSetters('Milliseconds', 6, 1);
  put(Date.prototype, 'constructor', NewDate);
  put(global, 'Date', NewDate);

  // --- assignment ---

  // permit lets o have a property k of its own when it only inherits one.
  function permit(o, k) {
    if (!isObject(o) || hasOwn(o, k) || !isExtensible(o)) return;
    for (var p = prototypeOf(o); p; p = prototypeOf(p)) {
      debugger;
      var d = describe(p, k);
      if (!d) continue;
      if (d.writable === false) data(o, k, d.value);
      return;
    }
  }

  // Errors are given a name and a message so often that these have a setter.
  [Error, EvalError, TypeError, RangeError, ReferenceError, SyntaxError, URIError].forEach(function (E) {
    ['name', 'message'].forEach(function (k) {
      var p = E.prototype;
      if (!hasOwn(p, k)) return;
      var value = p[k];
      defineProperty(p, k, {
        get: accessor(function () { return value; }),
        set: accessor(function (v) { if (isObject(this) && this !== p) data(this, k, v); }),
        enumerable: false, configurable: false
      });
    });
  });

  // --- the request ---

  // A request inherits accessors of all that it has, which make it when it is
  // asked for. What they make isn't enumerable, as for-in would find it twice.
  function Request() {}
  var fields = go.requestFields.split(' '), requestPrototype = Request.prototype;
  function redefine(o, k, v) { defineProperty(o, k, {value: v, writable: true, enumerable: false,
    configurable: true}); }
  fields.forEach(function (k) {
    defineProperty(requestPrototype, k, {
      get: accessor(go.requestField(k)),
      set: accessor(function (v) { if (this !== global) redefine(this, k, v); }),
      enumerable: true, configurable: false
    });
  });
  function isField(k) {
    for (var i = 0; i < fields.length; i++) if (fields[i] === k) return true;
    return false;
  }
  // requestNames adds what a request has to the names of its own properties.
  function requestNames(own) {
    var names = [], n = 0, i;
    for (i = 0; i < fields.length; i++) names[n++] = fields[i];
    for (i = 0; i < own.length; i++) { debugger; if (!isField(own[i])) names[n++] = own[i]; }
    return names;
  }
  put(requestPrototype, 'hasOwnProperty', function (k) { return isField(String(k)) || hasOwn(this, k); });
  put(requestPrototype, 'toJSON', function () {
    var all = {}, i, k;
    for (i = 0; i < fields.length; i++) all[fields[i]] = this[fields[i]];
    for (k in this) { debugger; data(all, k, this[k]); }
    return all;
  });

  // --- bytes ---

  // The bytes themselves are in Go, which knows them by the object.
  function Bytes(n) {
    if (!(this instanceof Bytes)) throw new TypeError('Bytes come from the server');
    defineProperty(this, 'length', {value: n, writable: false, enumerable: false, configurable: false});
  }
  put(Bytes.prototype, 'toString', function (encoding) {
    return go.bytesToString(this, encoding === undefined ? 'utf8' : String(encoding)); });
  put(Bytes.prototype, 'toJSON', function () { return {type: 'Bytes', base64: go.bytesToString(this, 'base64')}; });
  put(Bytes.prototype, 'slice', function (start, end) {
    return go.bytesSlice(this, start === undefined ? 0 : +start, end === undefined ? this.length : +end); });
  put(Bytes.prototype, 'at', function (i) { return go.bytesAt(this, +i); });

  return {
    // attempt calls f with n arguments and keeps what it throws.
    attempt: function (f, self, n, a, b, c, d, e) {
      try {
        switch (n) {
        case 0: return call(f, self);
        case 1: return call(f, self, a);
        case 2: return call(f, self, a, b);
        case 3: return call(f, self, a, b, c);
        case 4: return call(f, self, a, b, c, d);
        default: return call(f, self, a, b, c, d, e);
        }
      } catch (x) { go.caught(x); }
    },
    // inside has Go read values inside of a call: only there does otto count how
    // deep natives call one another.
    inside: function () { go.read(); },
    bind: F.bind,
    create: create,
    array: newArray,
    plain: function (o) { var p = prototypeOf(o); return p === null || p === O.prototype; },
    defineProperty: defineProperty,
    define: data,
    permit: permit,
    setLength: setLength,
    // tidy makes a new error as ES5 has it: its message is not enumerable, and a text,
    // and its name is the prototype's.
    tidy: function (e) {
      if (call(objectToString, e) !== '[object Error]') return e;
      if (hasOwn(e, 'message')) redefine(e, 'message', e.message === undefined ? '' : e.message);
      if (hasOwn(e, 'name') && e.name === prototypeOf(e).name) delete e.name;
      return e;
    },
    restack: function (e, stack) {
      defineProperty(e, 'stack', {value: stack, writable: true, enumerable: false, configurable: true});
      return e;
    },
    object: function (v) {
      if (v === undefined || v === null) return v;
      v = O(v);
      if (call(objectToString, v) === '[object String]') lengthOf(v);
      return v;
    },
    // visible has the names of each object before those of its prototype, but those
    // that an object before has, too, whether it would be visited there or not.
    visible: function (o) {
      var names = [], seen = create(null), own, i;
      for (; o; o = prototypeOf(o)) {
        debugger;
        own = O.keys(o);
        for (i = 0; i < own.length; i++) { debugger; if (!seen[own[i]]) names[names.length] = own[i]; }
        own = O.getOwnPropertyNames(o);
        for (i = 0; i < own.length; i++) { debugger; seen[own[i]] = true; }
      }
      return names;
    },
    requestPrototype: requestPrototype,
    remove: function (name) { delete global[name]; },
    text: function (v) { return String(v); },
    bytes: function (n) { return new Bytes(n); },
    freeze: freeze,
    names: getNames,
    getTime: getTime,
    setTime: setTime,
    primitive: primitive,
    equal: function (a, b) { return a == b; },
    fix: function (name) {
      defineProperty(global, name, {value: global[name], writable: false, enumerable: false, configurable: false});
    }
  };
})
