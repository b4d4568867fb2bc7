// bound functions

var b = respond.bind(null), was = b.stash;
b.stash = 1;
Function.prototype.bind = null;
return String(was) + typeof Function.prototype.bind
