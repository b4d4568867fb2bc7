// a comparator that grows the array
// engine: goja

const a = [3, 2, 1]; a.sort(() => { for (let i = 0; i < 1000; i++) a.push(i); return 1; })
