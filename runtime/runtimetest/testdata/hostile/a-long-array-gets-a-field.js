// a property is deleted of an array of length 2^32-1, and of what has a getter, and they get fields
// engine: goja

const a = [], k = 'name', o = {get x() { throw new Error('read'); }};
a.length = 4294967295;
class A { constructor(o) { return o; } }
class B extends A { name = 1; }
for (const x of [a, o]) {
  delete x.name;
  delete x[k];
  new B(x);
  Object.defineProperty(x, 'name', {value: 1, configurable: true});
  Reflect.deleteProperty(x, 'name');
}
