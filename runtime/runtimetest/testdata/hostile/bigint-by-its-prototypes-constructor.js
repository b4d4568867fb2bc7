// BigInt by its prototype's constructor, in a program that isn't prepared for bigints
// engine: goja

const B = globalThis['B' + 'igInt'].prototype.constructor;
return B(9) ** B(99999999) > B(0)
