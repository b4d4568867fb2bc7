// the next of an array's iterator as valueOf
// engine: goja

const x = (function () { return arguments; })(1), it = x[Symbol.iterator]();
it.valueOf = it.next;
x.length = it;
return it.next()
