// a conversion that is its object, by a field
// engine: goja

let o; class A { [Symbol.toPrimitive] = o; } o = {}; o = new A(); '' + new A()
