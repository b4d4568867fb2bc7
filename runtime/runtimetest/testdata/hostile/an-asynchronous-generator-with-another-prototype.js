// an asynchronous generator with another prototype
// engine: goja

const P = Object.getPrototypeOf(function* () {}).prototype;
P.next = function () { return {done: false, value: {await: 1}}; };
async function* g() { yield 1; }
for await (const x of g()) ;
