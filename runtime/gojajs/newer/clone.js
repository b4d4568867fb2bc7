// structuredClone.
'use strict';

const go = module;

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
    cloneArray(v, into, seen);
    break;
  case 'Object':
    for (const k of go.keys(v)) go.set(into, k, clone(v[k], seen));
  }
  return into;
}

// cloneArray also clones what an array has beside its elements, unless it is so long that
// its keys are too many to list.
function cloneArray(list, into, seen) {
  const n = go.lengthOf(list);
  into.length = n;
  if (n <= 10000) {
    for (const k of go.keys(list)) go.set(into, k, clone(list[k], seen));
    return;
  }
  for (let i = 0; i < n; i++) if (i in list) go.set(into, i, clone(list[i], seen));
}
