// default sort of a long array
// engine: goja

const a = []; for (let i = 0; i < 3e5; i++) a.push((i * 7919) % 3e5); a.sort()
