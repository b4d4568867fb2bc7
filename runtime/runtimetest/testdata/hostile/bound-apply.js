// bound apply

var f = Function.prototype.call.bind(Function.prototype.apply); f(Math.max, null, {length: 4294967295})
