// the next of an array's iterator by a computed name
// engine: goja

const x = (function () { return arguments; })(1), it = x[Symbol.iterator]();
it.valueOf = it['ne' + 'xt'];
x.length = it;
for (const y of x) ;
return [...it]
