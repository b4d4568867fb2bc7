// a native's name is an object with a toString, by a field
// engine: goja

const text = () => new Error().stack.length, again = () => [1].map(text);
class A { constructor(o) { return o; } }
class B extends A { name = {toString: again}; }
new B([].map);
again()
