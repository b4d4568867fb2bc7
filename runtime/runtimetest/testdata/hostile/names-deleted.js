// a native's name is deleted, so that it inherits one
// engine: goja

const text = () => new Error().stack.length, again = () => [1].map(text);
delete [].map.name;
Object.setPrototypeOf([].map, {get name() { return again(); }});
again()
