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
  var objectToString = O.prototype.toString, hasOwnProperty = O.prototype.hasOwnProperty;

  // apply(f, thisValue, list) and call(f, thisValue, ...) with nothing looked up.
  var apply = F.call.bind(F.apply), call = F.call.bind(F.call);

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
  // Where deleting or moving elements by otto's natives becomes noticeable, as
  // each deletion walks all properties.
  var slow = 4096;

  function tooLong() { return new RangeError('the length is more than ' + longest + ', which is as much as this engine handles'); }
  function lengthOf(o) {
    var n = o.length >>> 0;
    if (n > longest) throw tooLong();
    return n;
  }

  // --- arrays ---

  // Natives that read, one step an element.
  ['slice', 'indexOf', 'lastIndexOf', 'every', 'some', 'forEach', 'map', 'filter', 'reduce', 'reduceRight',
    'toLocaleString'].forEach(function (name) {
    var native = P[name];
    put(P, name, function () {
      lengthOf(this);
      return apply(native, this, arguments);
    });
  });

  // The same, in the language's own steps, for long arrays.
  function move(o, from, to) {
    if (from in o) o[to] = o[from]; else delete o[to];
  }
  function setLength(o, n) {
    if (isArray(o) && o.length > slow && n < o.length && n >= 0) {
      for (var i = o.length; i > n; i--) { debugger; o.length = i - 1; }
    }
    o.length = n;
    return n;
  }
  var slowly = {
    shift: function () {
      var n = lengthOf(this), first = this[0];
      for (var i = 1; i < n; i++) { debugger; move(this, i, i - 1); }
      setLength(this, n - 1);
      return first;
    },
    unshift: function () {
      var n = lengthOf(this), k = arguments.length, i;
      for (i = n; i > 0; i--) { debugger; move(this, i - 1, i + k - 1); }
      for (i = 0; i < k; i++) this[i] = arguments[i];
      return this.length = n + k;
    },
    reverse: function () {
      var n = lengthOf(this);
      for (var i = 0, j = n - 1; i < j; i++, j--) {
        debugger;
        var a = this[i], b = this[j], hasA = i in this, hasB = j in this;
        if (hasB) this[i] = b; else delete this[i];
        if (hasA) this[j] = a; else delete this[j];
      }
      return this;
    },
    splice: function (start, count) {
      var n = lengthOf(this), k = arguments.length > 2 ? arguments.length - 2 : 0, i;
      start = +start || 0;
      start = start < 0 ? (n + start > 0 ? n + start : 0) : (start < n ? start : n);
      start -= start % 1;
      count = arguments.length < 2 ? n - start : +count || 0;
      count = count < 0 ? 0 : (count < n - start ? count - count % 1 : n - start);
      var removed = apply(P.slice, this, [start, start + count]);
      if (k < count) {
        for (i = start; i < n - count; i++) { debugger; move(this, i + count, i + k); }
      } else if (k > count) {
        for (i = n - count; i > start; i--) { debugger; move(this, i + count - 1, i + k - 1); }
      }
      for (i = 0; i < k; i++) { debugger; this[start + i] = arguments[i + 2]; }
      setLength(this, n - count + k);
      return removed;
    }
  };
  ['shift', 'unshift', 'reverse', 'splice'].forEach(function (name) {
    var native = P[name], steps = slowly[name];
    put(P, name, function () {
      if (this.length > slow) return apply(steps, this, arguments);
      // otto takes splice(0, undefined) for splice(0, 0) as it should, but not splice().
      if (name === 'splice' && arguments.length === 0) return [];
      return apply(native, this, arguments);
    });
  });

  var concat = P.concat, joinNative = P.join;
  put(P, 'concat', function () {
    var n = isArray(this) ? this.length : 1;
    for (var i = 0; i < arguments.length; i++) {
      debugger;
      n += isArray(arguments[i]) ? arguments[i].length : 1;
      if (n > longest) throw tooLong();
    }
    return apply(concat, this, arguments);
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
    if (compare !== undefined && typeof compare !== 'function') throw new TypeError('sort wants a function that compares two elements');
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
      keyed = mergeSort(keyed, function (a, b) { return a.k < b.k; });
      for (i = 0; i < keyed.length; i++) { debugger; list[i] = keyed[i].v; }
    }
    for (k = 0; k < list.length; k++) { debugger; this[k] = list[k]; }
    for (i = 0; i < undefineds; i++) { debugger; this[k++] = undefined; }
    for (; k < n; k++) { debugger; if (k in this) delete this[k]; }
    return this;
  });

  // --- functions ---

  var applyNative = F.apply, bindNative = F.bind;
  put(F, 'apply', function (thisValue, list) {
    if (isObject(list)) lengthOf(list);
    return call(applyNative, this, thisValue, list);
  });

  function noCode() { throw new EvalError('code can not be made at run time: eval and Function are not available'); }
  var NoFunction = function () { noCode(); };
  defineProperty(NoFunction, 'prototype', {value: F, writable: false, enumerable: false, configurable: false});
  put(F, 'constructor', NoFunction);
  put(global, 'Function', NoFunction);
  put(global, 'eval', function () { noCode(); });

  // --- objects ---

  // A String object has a property for each character.
  ['keys', 'values', 'getOwnPropertyNames', 'seal', 'freeze', 'isSealed', 'isFrozen'].forEach(function (name) {
    var native = O[name];
    put(O, name, function (o) {
      if (typeof o === 'string' || call(objectToString, o) === '[object String]') lengthOf(o = O(o));
      else if (!isObject(o) && o !== undefined && o !== null) o = O(o);
      return native(o);
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

  // Globals are deleted between requests, which only plain properties allow.
  ['defineProperty', 'defineProperties', 'preventExtensions', 'seal', 'freeze'].forEach(function (name) {
    var native = O[name];
    put(O, name, function (o, k, d) {
      if (o === global) throw new TypeError('the global object can not be changed by Object.' + name);
      if (isArray(o)) {
        if (name === 'defineProperty' && String(k) === 'length' && d && hasOwn(d, 'value')) setLength(o, d.value);
        else if (o.length > slow && name === 'defineProperties' && hasOwn(k, 'length')) throw tooLong();
      }
      return arguments.length > 2 ? native(o, k, d) : arguments.length > 1 ? native(o, k) : native(o);
    });
  });

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

  // What nearly all handlers read is there from the start, and the rest is made
  // when it is asked for.
  function Request(method, path) {
    this.method = method;
    this.path = path;
  }
  var fields = go.requestFields.split(' '), requestPrototype = Request.prototype;
  fields.forEach(function (k) {
    if (k === 'method' || k === 'path') return;
    defineProperty(requestPrototype, k, {
      get: accessor(function () {
        if (this === requestPrototype) return undefined;
        var v = go.requestField(k);
        data(this, k, v);
        return v;
      }),
      set: accessor(function (v) { data(this, k, v); }),
      enumerable: true, configurable: false
    });
  });
  put(requestPrototype, 'toJSON', function () {
    var all = {}, i, k;
    for (i = 0; i < fields.length; i++) all[fields[i]] = this[fields[i]];
    for (k in this) { debugger; data(all, k, this[k]); }
    return all;
  });

  // headers is called with name, alias and value of each.
  function headers() {
    var h = {};
    for (var i = 0; i < arguments.length; i += 3) {
      debugger;
      data(h, arguments[i], arguments[i + 2]);
      if (arguments[i + 1]) put(h, arguments[i + 1], arguments[i + 2]);
    }
    return h;
  }

  // --- bytes ---

  // The bytes themselves are in Go, which knows them by the object.
  function Bytes(n) {
    defineProperty(this, 'length', {value: n, writable: false, enumerable: false, configurable: false});
  }
  put(Bytes.prototype, 'toString', function (encoding) { return go.bytesToString(this, encoding === undefined ? 'utf8' : String(encoding)); });
  put(Bytes.prototype, 'toJSON', function () { return {type: 'Bytes', base64: go.bytesToString(this, 'base64')}; });
  put(Bytes.prototype, 'slice', function (start, end) { return go.bytesSlice(this, start === undefined ? 0 : +start, end === undefined ? this.length : +end); });
  put(Bytes.prototype, 'at', function (i) { return go.bytesAt(this, +i); });

  put(global, 'JSON', {});
  put(JSON, 'parse', function (text, reviver) {
    var v = go.parse(String(text));
    if (typeof reviver !== 'function') return v;
    return revive(data({}, '', v), '', reviver);
  });
  function revive(holder, key, reviver) {
    debugger;
    var v = holder[key];
    if (isObject(v)) {
      var keys = O.keys(v);
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
    var gap = typeof space === 'number' ? '          '.slice(0, space < 0 ? 0 : space) : typeof space === 'string' ? space.slice(0, 10) : '';
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
  function isPlain(v) { return isArray(v) || (typeof v === 'object' && v !== null && !(v instanceof String || v instanceof Number || v instanceof Boolean)); }
  function replaced(holder, key, replacer, stack) {
    var v = call(replacer, holder, key, unfold(holder[key], key));
    if (!isPlain(v)) return v;
    return copy(v, O.keys(v), stack, function (o, k) { return replaced(o, k, replacer, stack); });
  }
  function picked(v, key, list, stack) {
    v = unfold(v, key);
    if (!isPlain(v)) return v;
    var keys = isArray(v) ? O.keys(v) : [];
    if (!isArray(v)) {
      for (var i = 0; i < list.length; i++) {
        debugger;
        var k = String(list[i]);
        if (hasOwn(v, k) && keys.indexOf(k) < 0) keys.push(k);
      }
    }
    return copy(v, keys, stack, function (o, k) { return picked(o[k], k, list, stack); });
  }

  return {
    attempt: function (f, a, b, c, d, e) {
      try { return call(f, this === global ? undefined : this, a, b, c, d, e); } catch (x) { go.caught(x); }
    },
    object: function () { return {}; },
    array: function () { return apply(concat, [], arguments); },
    define: data,
    permit: permit,
    setLength: setLength,
    request: function (method, path) { return new Request(method, path); },
    headers: headers,
    remove: function (name) { delete global[name]; },
    text: function (v) { return String(v); },
    bytes: function (n) { return new Bytes(n); },
    freeze: freeze,
    names: getNames,
    setTime: Date.prototype.setTime,
    fix: function (name) {
      defineProperty(global, name, {value: global[name], writable: false, enumerable: false, configurable: false});
    }
  };
})
