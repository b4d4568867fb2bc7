// Iterator, and the methods of all iterators.
'use strict';

const go = module;

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
  go.object(o);
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
  go.object(it);
  if (f !== undefined) go.callable(f.f);
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
  go.install(Iterator, {
    from(o) {
      if (typeof o !== 'string') go.object(o);
      const it = go.isIterable(o) ? go.iteratorOf(o) : o;
      return go.inherits(it, prototype) ? it : new Wrapped(it);
    },
  });
  go.install(prototype, {
    map(f) {
      return helper(this, function* (it) { let i = 0; for (const v of each(it)) yield f(v, i++); }, {f});
    },
    filter(f) {
      return helper(this, function* (it) { let i = 0; for (const v of each(it)) if (f(v, i++)) yield v; }, {f});
    },
    take(n) {
      go.object(this);
      n = count(n);
      return helper(this, function* (it) {
        let left = n;
        if (left === 0) { if (it.return !== undefined) it.return(); return; }
        for (const v of each(it)) { yield v; if (--left === 0) return; }
      });
    },
    drop(n) {
      go.object(this);
      n = count(n);
      return helper(this, function* (it) { let left = n; for (const v of each(it)) if (left > 0) left--; else yield v; });
    },
    flatMap(f) {
      return helper(this, function* (it) { let i = 0; for (const v of each(it)) for (const w of inner(f(v, i++))) yield w; }, {f});
    },
    reduce(f, ...first) {
      go.object(this);
      go.callable(f);
      let i = 0, given = first.length > 0, sum = first[0];
      for (const v of each(this)) {
        if (given) sum = f(sum, v, i); else { sum = v; given = true; }
        i++;
      }
      if (!given) throw new TypeError('reduce of no elements without a first value');
      return sum;
    },
    toArray() {
      go.object(this);
      const list = [];
      for (const v of each(this)) go.push(list, v);
      return list;
    },
    forEach(f) {
      go.object(this);
      go.callable(f);
      let i = 0;
      for (const v of each(this)) f(v, i++);
    },
    some(f) {
      go.object(this);
      go.callable(f);
      let i = 0;
      for (const v of each(this)) if (f(v, i++)) return true;
      return false;
    },
    every(f) {
      go.object(this);
      go.callable(f);
      let i = 0;
      for (const v of each(this)) if (!f(v, i++)) return false;
      return true;
    },
    find(f) {
      go.object(this);
      go.callable(f);
      let i = 0;
      for (const v of each(this)) if (f(v, i++)) return v;
    },
  });
  return Iterator;
};
