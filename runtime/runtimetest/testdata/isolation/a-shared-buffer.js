// a shared buffer
// engine: goja

const b = test.bytes('abc'), was = b[0] + ',' + b.length;
b[0] = 120;
new Uint8Array(b.buffer).fill(0);
return was
