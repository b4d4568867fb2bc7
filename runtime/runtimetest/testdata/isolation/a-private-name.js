// a private name
// engine: goja

class A { static #n = 0; static next() { return ++this.#n; } } return A.next()
