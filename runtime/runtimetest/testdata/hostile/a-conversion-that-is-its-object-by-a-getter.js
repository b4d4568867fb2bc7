// a conversion that is its object, by a getter
// engine: goja

class A { get [Symbol.toPrimitive]() { return new A(); } } '' + new A()
