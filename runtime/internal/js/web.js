// URL and URLSearchParams for every engine, see WebLibrary. Parsing is in Go.
(function (go) {
  var defineProperty = go.defineProperty || Object.defineProperty, freeze = go.freeze || Object.freeze;

  function put(o, name, value) {
    defineProperty(o, name, {value: value, writable: true, enumerable: false, configurable: true});
  }
  function hide(o, name, value) {
    defineProperty(o, name, {value: value, writable: true, enumerable: false, configurable: false});
  }
  function accessor(f) {
    if (f.prototype) freeze(f.prototype);
    return freeze(f);
  }

  // --- URLSearchParams: a list of pairs ---

  function URLSearchParams(init) {
    if (!(this instanceof URLSearchParams)) throw new TypeError('URLSearchParams has to be called with new');
    hide(this, '_pairs', []);
    hide(this, '_url', null);
    fill(this._pairs, init);
  }
  // listOf is the list that an array or, where the engine has such, another iterable
  // gives; undefined for anything else.
  function listOf(v) {
    if (Array.isArray(v)) return v;
    return go.listOf ? go.listOf(v) : undefined;
  }
  function fill(pairs, init) {
    var i, list;
    if (init === undefined || init === null) return;
    if (init instanceof URLSearchParams) {
      for (i = 0; i < init._pairs.length; i++) { debugger; pairs.push([init._pairs[i][0], init._pairs[i][1]]); }
    } else if ((list = listOf(init)) !== undefined) {
      for (i = 0; i < list.length; i++) {
        debugger;
        var pair = list[i] !== null && typeof list[i] === 'object' ? listOf(list[i]) : undefined;
        if (!pair || pair.length !== 2) throw new TypeError('URLSearchParams wants pairs of a name and a value');
        pairs.push([String(pair[0]), String(pair[1])]);
      }
    } else if (typeof init === 'object') {
      var keys = Object.keys(init);
      for (i = 0; i < keys.length; i++) { debugger; pairs.push([keys[i], String(init[keys[i]])]); }
    } else {
      parsePairs(pairs, String(init));
    }
  }
  function parsePairs(pairs, text) {
    if (text.charAt(0) === '?') text = text.slice(1);
    var parts = text.split('&');
    for (var i = 0; i < parts.length; i++) {
      debugger;
      if (parts[i] === '') continue;
      var at = parts[i].indexOf('=');
      if (at < 0) at = parts[i].length;
      pairs.push([go.formDecode(parts[i].slice(0, at)), go.formDecode(parts[i].slice(at + 1))]);
    }
  }
  function changed(params) {
    if (params._url) params._url._parts = go.setURL(params._url._parts[HREF], 'search', params.toString());
  }
  function want(given, n) {
    if (given < n) throw new TypeError('this wants ' + n + (n > 1 ? ' arguments' : ' argument') + ', and got ' + given);
  }
  var SP = URLSearchParams.prototype;
  // select is the pairs of a name, or the others; of a name and a value if there is one.
  function select(params, keep, name, value) {
    var out = [];
    name = String(name);
    if (value !== undefined) value = String(value);
    for (var i = 0; i < params._pairs.length; i++) {
      debugger;
      var p = params._pairs[i];
      if ((p[0] === name && (value === undefined || p[1] === value)) === keep) out.push(p);
    }
    return out;
  }
  put(SP, 'append', function (name, value) {
    want(arguments.length, 2);
    this._pairs.push([String(name), String(value)]);
    changed(this);
  });
  put(SP, 'delete', function (name, value) {
    want(arguments.length, 1);
    this._pairs = select(this, false, name, value);
    changed(this);
  });
  put(SP, 'get', function (name) {
    want(arguments.length, 1);
    var found = select(this, true, name);
    return found.length ? found[0][1] : null;
  });
  put(SP, 'getAll', function (name) {
    want(arguments.length, 1);
    return select(this, true, name).map(function (p) { return p[1]; });
  });
  put(SP, 'has', function (name, value) {
    want(arguments.length, 1);
    return select(this, true, name, value).length > 0;
  });
  put(SP, 'set', function (name, value) {
    want(arguments.length, 2);
    name = String(name);
    var out = [], done = false;
    for (var i = 0; i < this._pairs.length; i++) {
      debugger;
      if (this._pairs[i][0] !== name) out.push(this._pairs[i]);
      else if (!done) { out.push([name, String(value)]); done = true; }
    }
    if (!done) out.push([name, String(value)]);
    this._pairs = out;
    changed(this);
  });
  put(SP, 'sort', function () {
    this._pairs.sort(function (a, b) { return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0; });
    changed(this);
  });
  put(SP, 'forEach', function (f, self) {
    if (typeof f !== 'function') throw new TypeError('forEach wants a function');
    for (var i = 0; i < this._pairs.length; i++) { debugger; f.call(self, this._pairs[i][1], this._pairs[i][0], this); }
  });
  // Lists rather than iterators, which ES5 doesn't have; an engine that has them puts its
  // own in their place.
  put(SP, 'keys', function () { return this._pairs.map(function (p) { return p[0]; }); });
  put(SP, 'values', function () { return this._pairs.map(function (p) { return p[1]; }); });
  put(SP, 'entries', function () { return this._pairs.map(function (p) { return [p[0], p[1]]; }); });
  put(SP, 'toString', function () {
    return this._pairs.map(function (p) { return go.formEncode(p[0]) + '=' + go.formEncode(p[1]); }).join('&');
  });
  defineProperty(SP, 'size', {get: accessor(function () { return this._pairs ? this._pairs.length : undefined; }), set: undefined, enumerable: true, configurable: false});

  // --- URL: its parts in an array, in the order of the names that Go gives ---

  var names = go.partNames.split(' '), HREF = 0;

  function URL(text, base) {
    if (!(this instanceof URL)) throw new TypeError('URL has to be called with new');
    want(arguments.length, 1);
    hide(this, '_parts', parsed(String(text), base) || invalid());
    hide(this, '_params', null);
  }
  function parsed(text, base) { return go.parseURL(text, base === undefined ? undefined : String(base)); }
  function invalid() {
    var e = new TypeError('Invalid URL');
    e.code = 'ERR_INVALID_URL';
    throw e;
  }
  function change(url, name, value) {
    var parts = go.setURL(url._parts[HREF], name, String(value));
    if (!parts) {
      if (name === 'href') invalid();
      throw new RangeError('the text is too long for a URL');
    }
    url._parts = parts;
    if (url._params) {
      url._params._pairs = [];
      parsePairs(url._params._pairs, url.search);
    }
  }
  var UP = URL.prototype;
  function define(name, get, set) {
    defineProperty(UP, name, {
      get: accessor(function () { return this._parts ? get(this) : undefined; }),
      set: set && accessor(function (v) { if (this._parts) set(this, v); }),
      enumerable: true, configurable: false
    });
  }
  names.forEach(function (name, index) {
    define(name, function (url) { return url._parts[index]; },
      name === 'origin' ? undefined : function (url, v) { change(url, name, v); });
  });
  define('searchParams', function (url) {
    if (!url._params) {
      url._params = new URLSearchParams(url.search);
      url._params._url = url;
    }
    return url._params;
  });
  put(UP, 'toString', function () { return this._parts[HREF]; });
  put(UP, 'toJSON', function () { return this._parts[HREF]; });
  put(URL, 'canParse', function (text, base) {
    want(arguments.length, 1);
    return !!parsed(String(text), base);
  });
  put(URL, 'parse', function (text, base) {
    want(arguments.length, 1);
    return parsed(String(text), base) ? new URL(text, base) : null;
  });

  return {URL: URL, URLSearchParams: URLSearchParams};
})
