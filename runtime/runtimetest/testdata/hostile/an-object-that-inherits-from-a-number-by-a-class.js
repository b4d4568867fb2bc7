// an object that inherits from a number by a class
// engine: goja

function F() {} F.prototype = Object(1); class A extends F { toString = 1; } return new A() + ''
