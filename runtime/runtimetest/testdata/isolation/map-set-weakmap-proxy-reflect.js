// Map, Set, WeakMap, Proxy, Reflect
// engine: goja

const all = [Map, Set, WeakMap, WeakSet, Proxy, Reflect, Symbol, BigInt, DataView, ArrayBuffer],
  was = all.map(o => o.stash).join();
for (const o of all) o.stash = request.id;
return was
