// Intl for every engine, see IntlLibrary. What it prints is made in Go.
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
  function getter(o, name, f) {
    defineProperty(o, name, {get: accessor(f), set: undefined, enumerable: false, configurable: true});
  }

  function define(F) {
    put(F, 'supportedLocalesOf', function (locales) { return go.intlLocales(locales, 'supported'); });
    put(F.prototype, 'resolvedOptions', function () {
      var list = go.intlResolved(this._intl), out = {};
      for (var i = 0; i < list.length; i += 2) out[list[i]] = typed(list[i], list[i + 1]);
      return out;
    });
  }
  function typed(name, value) {
    if (name === 'pluralCategories') return value.split(' ');
    if (name === 'useGrouping' && value === 'false' || name === 'hour12' || name === 'numeric' && value !== 'always' &&
      value !== 'auto' || name === 'ignorePunctuation') return value === 'true';
    return /Digits$|^roundingIncrement$/.test(name) ? +value : value;
  }
  function make(o, name, locales, options) { hide(o, '_intl', go.intlMake(name, locales, options)); }
  function objects(list) {
    var out = [];
    for (var i = 0; i < list.length; i += 2) out[i / 2] = {type: list[i], value: list[i + 1]};
    return out;
  }
  // bound makes the getter of a function that stays with its object.
  function bound(F, name, f) {
    getter(F.prototype, name, function () {
      var self = this;
      if (self === F.prototype) return undefined; // which otto looks at
      if (typeof self._intl !== 'number') throw new TypeError('this is not an object of Intl');
      if (!self._bound) hide(self, '_bound', function (a, b) { return f(self, a, b); });
      return self._bound;
    });
  }

  function NumberFormat(locales, options) {
    if (!(this instanceof NumberFormat)) return new NumberFormat(locales, options);
    make(this, 'NumberFormat', locales, options);
  }
  define(NumberFormat);
  bound(NumberFormat, 'format', function (self, n) { return go.intlText('NumberFormat', self._intl, n); });
  put(NumberFormat.prototype, 'formatToParts', function (n) { return objects(go.intlParts('NumberFormat', this._intl, n)); });

  function DateTimeFormat(locales, options) {
    if (!(this instanceof DateTimeFormat)) return new DateTimeFormat(locales, options);
    make(this, 'DateTimeFormat', locales, options);
  }
  define(DateTimeFormat);
  function time(date) { return date === undefined ? Date.now() : date; }
  bound(DateTimeFormat, 'format', function (self, date) { return go.intlText('DateTimeFormat', self._intl, time(date)); });
  put(DateTimeFormat.prototype, 'formatToParts', function (date) {
    return objects(go.intlParts('DateTimeFormat', this._intl, time(date)));
  });

  function Collator(locales, options) {
    if (!(this instanceof Collator)) return new Collator(locales, options);
    make(this, 'Collator', locales, options);
  }
  define(Collator);
  bound(Collator, 'compare', function (self, a, b) { return go.intlCompare(self._intl, String(a), String(b)); });

  function needsNew(o, F, name) {
    if (!(o instanceof F)) throw new TypeError('Intl.' + name + ' has to be called with new');
  }
  function PluralRules(locales, options) {
    needsNew(this, PluralRules, 'PluralRules');
    make(this, 'PluralRules', locales, options);
  }
  define(PluralRules);
  put(PluralRules.prototype, 'select', function (n) { return go.intlSelect(this._intl, n); });

  function RelativeTimeFormat(locales, options) {
    needsNew(this, RelativeTimeFormat, 'RelativeTimeFormat');
    make(this, 'RelativeTimeFormat', locales, options);
  }
  define(RelativeTimeFormat);
  put(RelativeTimeFormat.prototype, 'format', function (n, unit) {
    return go.intlText('RelativeTimeFormat', this._intl, n, String(unit)); });
  put(RelativeTimeFormat.prototype, 'formatToParts', function (n, unit) {
    return objects(go.intlParts('RelativeTimeFormat', this._intl, n, String(unit))); });

  function ListFormat(locales, options) {
    needsNew(this, ListFormat, 'ListFormat');
    make(this, 'ListFormat', locales, options);
  }
  define(ListFormat);
  put(ListFormat.prototype, 'format', function (list) { return go.intlText('ListFormat', this._intl, list); });
  put(ListFormat.prototype, 'formatToParts', function (list) {
    return objects(go.intlParts('ListFormat', this._intl, list)); });

  // Declared behind what it holds, so that otto makes all of that unchangeable.
  var Intl = {};
  put(Intl, 'Collator', Collator);
  put(Intl, 'DateTimeFormat', DateTimeFormat);
  put(Intl, 'ListFormat', ListFormat);
  put(Intl, 'NumberFormat', NumberFormat);
  put(Intl, 'PluralRules', PluralRules);
  put(Intl, 'RelativeTimeFormat', RelativeTimeFormat);
  put(Intl, 'getCanonicalLocales', function (locales) { return go.intlLocales(locales, 'canonical'); });
  put(Intl, 'supportedValuesOf', function (key) { return go.intlValues(String(key)); });
  return {Intl: Intl};
})
