// a native's name is an object with a toString, by a computed field
// engine: goja

const text = () => new Error().stack.length, again = () => [1].map(text);
class A { constructor(o) { return o; } }
class B extends A { ['na' + 'me'] = {toString: again}; }
new B([].map);
again()
