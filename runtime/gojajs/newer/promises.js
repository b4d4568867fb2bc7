// What ECMAScript 2024 and 2025 added to promises, and queueMicrotask.
'use strict';

const go = module;

exports.promises = function (Promise) {
  go.install(Promise, {
    withResolvers() {
      let resolve, reject;
      const promise = new this((a, b) => { resolve = a; reject = b; });
      return {promise, resolve, reject};
    },
    try(f, ...args) { return new this(resolve => resolve(f(...args))); },
  });
};

exports.fromAsync = function (Array) {
  go.install(Array, {
    fromAsync(items, f, self) {
      return (async () => {
        if (f !== undefined) go.callable(f);
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

exports.queueMicrotask = function () {
  return {
    queueMicrotask(f) {
      go.callable(f);
      (async () => { await undefined; f(); })();
    },
  }.queueMicrotask;
};
