// Object.groupBy and Map.groupBy. The names exports and module are those of any file;
// module holds what Go gives.
'use strict';

const go = module;

// groups are a Map of what f makes of each item.
function groups(items, f, keyOf) {
  go.callable(f);
  const all = go.make('Map');
  let i = 0;
  for (const item of items) {
    const key = keyOf(f(item, i++)), list = all.get(key);
    if (list === undefined) all.set(key, [item]); else go.push(list, item);
  }
  return all;
}

exports.groupBy = function (Object, Map) {
  go.install(Object, {
    groupBy(items, f) {
      const out = go.bare();
      for (const pair of groups(items, f, go.key)) go.put(out, pair[0], pair[1]);
      return out;
    },
  });
  go.install(Map, {groupBy(items, f) { return groups(items, f, key => key); }});
};
