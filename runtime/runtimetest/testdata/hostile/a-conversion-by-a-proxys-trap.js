// a conversion by a proxy's trap
// engine: goja

let key;
new Proxy(Object.getOwnPropertyDescriptors(Date.prototype),
  {getOwnPropertyDescriptor(t, k) { key = k; return Reflect.getOwnPropertyDescriptor(t, k); }});
const o = {}; o[key || Symbol.toPrimitive] = o; '' + o
