// bigint: from a buffer, in a program that isn't prepared for bigints
// engine: goja

const b = new DataView(new ArrayBuffer(8)), k = 'getB' + 'igInt64';
b.setUint8(4, 5);
b.setUint8(7, 9);
return b[k](0) ** b[k](0) > 1
