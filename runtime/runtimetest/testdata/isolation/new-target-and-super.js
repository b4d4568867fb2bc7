// new.target and super
// engine: goja

class A { constructor() { this.n = new.target.count = (new.target.count || 0) + 1; } } return new A().n
