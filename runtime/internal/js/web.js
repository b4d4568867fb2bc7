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
  function fill(pairs, init) {
    var i, k;
    if (init === undefined || init === null) return;
    if (init instanceof URLSearchParams) {
      for (i = 0; i < init._pairs.length; i++) { debugger; pairs.push([init._pairs[i][0], init._pairs[i][1]]); }
    } else if (Array.isArray(init)) {
      for (i = 0; i < init.length; i++) {
        debugger;
        if (!init[i] || init[i].length !== 2) throw new TypeError('URLSearchParams wants pairs of a name and a value');
        pairs.push([String(init[i][0]), String(init[i][1])]);
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
    if (!params._url) return;
    var text = params.toString();
    params._url._parts[6] = text === '' ? '' : '?' + text;
  }
  var SP = URLSearchParams.prototype;
  function select(params, name, keep) {
    var out = [];
    for (var i = 0; i < params._pairs.length; i++) {
      debugger;
      if ((params._pairs[i][0] === name) === keep) out.push(params._pairs[i]);
    }
    return out;
  }
  put(SP, 'append', function (name, value) {
    this._pairs.push([String(name), String(value)]);
    changed(this);
  });
  put(SP, 'delete', function (name) {
    this._pairs = select(this, String(name), false);
    changed(this);
  });
  put(SP, 'get', function (name) {
    var found = select(this, String(name), true);
    return found.length ? found[0][1] : null;
  });
  put(SP, 'getAll', function (name) {
    return select(this, String(name), true).map(function (p) { return p[1]; });
  });
  put(SP, 'has', function (name) { return select(this, String(name), true).length > 0; });
  put(SP, 'set', function (name, value) {
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
    for (var i = 0; i < this._pairs.length; i++) { debugger; f.call(self, this._pairs[i][1], this._pairs[i][0], this); }
  });
  // Lists rather than iterators, which ES5 doesn't have.
  put(SP, 'keys', function () { return this._pairs.map(function (p) { return p[0]; }); });
  put(SP, 'values', function () { return this._pairs.map(function (p) { return p[1]; }); });
  put(SP, 'entries', function () { return this._pairs.map(function (p) { return [p[0], p[1]]; }); });
  put(SP, 'toString', function () {
    return this._pairs.map(function (p) { return go.formEncode(p[0]) + '=' + go.formEncode(p[1]); }).join('&');
  });
  defineProperty(SP, 'size', {get: accessor(function () { return this._pairs ? this._pairs.length : undefined; }), set: undefined, enumerable: true, configurable: false});

  // --- URL: its parts in an array, in the order of the names below ---

  var names = ['protocol', 'username', 'password', 'hostname', 'port', 'pathname', 'search', 'hash'];

  function URL(text, base) {
    if (!(this instanceof URL)) throw new TypeError('URL has to be called with new');
    var parts = go.parseURL(String(text), base === undefined ? '' : String(base));
    if (!parts) throw new TypeError('Invalid URL');
    hide(this, '_parts', parts);
    hide(this, '_params', null);
  }
  function hostOf(p) { return p[3] + (p[4] === '' ? '' : ':' + p[4]); }
  function hrefOf(p) {
    var user = p[1] + (p[2] === '' ? '' : ':' + p[2]);
    var slashes = p[3] !== '' || p[0] === 'file:' ? '//' : '';
    var path = slashes === '' && p[5].slice(0, 2) === '//' ? '/.' + p[5] : p[5]; // or it would be a host
    return p[0] + slashes + (user === '' ? '' : user + '@') + hostOf(p) + path + p[6] + p[7];
  }
  // change sets a part and keeps the URL as it was when the result is none.
  function change(url, index, value) {
    var parts = url._parts.slice();
    value = String(value);
    if (index === 0 && value.charAt(value.length - 1) !== ':') value += ':';
    if (index === 5 && value.charAt(0) !== '/') value = '/' + value;
    if (index === 5) value = value.replace(/\?/g, '%3F').replace(/#/g, '%23');
    if (index === 6) value = value.replace(/#/g, '%23');
    if (index === 6 && value !== '' && value.charAt(0) !== '?') value = '?' + value;
    if (index === 7 && value !== '' && value.charAt(0) !== '#') value = '#' + value;
    if (index === 1 || index === 2) value = encodeURIComponent(value);
    if (index === 3 && /[\/?#@:]/.test(value)) return;
    parts[index] = value;
    replace(url, go.parseURL(hrefOf(parts), ''));
  }
  function replace(url, parts) {
    if (!parts) return false;
    url._parts = parts;
    if (url._params) {
      url._params._pairs = [];
      parsePairs(url._params._pairs, parts[6]);
    }
    return true;
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
    define(name, function (url) { return url._parts[index]; }, function (url, v) { change(url, index, v); });
  });
  define('href', function (url) { return hrefOf(url._parts); }, function (url, v) {
    if (!replace(url, go.parseURL(String(v), ''))) throw new TypeError('Invalid URL');
  });
  define('host', function (url) { return hostOf(url._parts); }, function (url, v) {
    var p = url._parts.slice(), m = /^([^\/?#@]*?)(?::(\d*))?$/.exec(String(v));
    if (!m) return;
    p[3] = m[1];
    if (m[2] !== undefined) p[4] = m[2];
    replace(url, go.parseURL(hrefOf(p), ''));
  });
  define('origin', function (url) {
    var p = url._parts;
    return /^(https?|wss?|ftp):$/.test(p[0]) ? p[0] + '//' + hostOf(p) : 'null';
  });
  define('searchParams', function (url) {
    if (!url._params) {
      url._params = new URLSearchParams(url._parts[6]);
      url._params._url = url;
    }
    return url._params;
  });
  put(UP, 'toString', function () { return hrefOf(this._parts); });
  put(UP, 'toJSON', function () { return hrefOf(this._parts); });
  put(URL, 'canParse', function (text, base) { return !!go.parseURL(String(text), base === undefined ? '' : String(base)); });

  return {URL: URL, URLSearchParams: URLSearchParams};
})
