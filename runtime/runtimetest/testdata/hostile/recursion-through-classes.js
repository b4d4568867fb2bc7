// recursion through classes
// engine: goja

class A { x = new A(); } new A()
