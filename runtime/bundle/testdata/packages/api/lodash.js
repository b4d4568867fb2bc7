import _ from 'lodash';

export default function (request) {
  const people = [{ name: 'Ann', age: 36, tags: ['a', 'b'] }, { name: 'Ben', age: 40 }, { name: 'Cy', age: 36 }];
  return {
    grouped: _.groupBy(people, 'age'),
    sorted: _.orderBy(people, ['age', 'name'], ['desc', 'asc']).map((p) => p.name),
    chunks: _.chunk(_.range(7), 3),
    merged: _.merge({ a: { b: 1 } }, { a: { c: 2 } }),
    deep: _.cloneDeep({ at: new Date(0), set: [...new Set([1, 2])], re: String(/x/g) }),
    cases: [_.camelCase('foo bar-baz'), _.kebabCase('fooBarBaz'), _.startCase('--foo--'), _.deburr('déjà vu')],
    words: _.words('fred, barney, & pebbles 2x'),
    chained: _.chain([3, 1, 2]).sortBy().map((n) => n * 2).value(),
    equal: _.isEqual({ a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }),
    size: _.truncate('hi-diddly-ho there, neighborino', { length: 24, separator: ' ' }),
    query: _.get({ a: [{ b: { c: 3 } }] }, 'a[0].b.c'),
  };
}
