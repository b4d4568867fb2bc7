// a native's name is deleted by Reflect, so that it inherits one
// engine: goja

const text = () => new Error().stack.length, again = () => [1].map(text);
Reflect.deleteProperty([].map, {toString: () => 'name'});
Object.setPrototypeOf([].map, {get name() { return again(); }});
again()
