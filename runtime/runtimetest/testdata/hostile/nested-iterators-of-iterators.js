// nested iterators of iterators
// engine: goja

let it = {next: () => ({done: true})}; for (let i = 0; i < 1e5; i++) it = Iterator.from({next: it.next.bind(it)}); it.next()
