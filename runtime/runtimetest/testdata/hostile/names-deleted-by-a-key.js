// a native's name is deleted by a computed name, so that it inherits one
// engine: goja

const text = () => new Error().stack.length, again = () => [1].map(text);
const k = 'name';
delete [].map[k];
delete [].map?.['na' + k.slice(2)];
Object.setPrototypeOf([].map, {get name() { return again(); }});
again()
