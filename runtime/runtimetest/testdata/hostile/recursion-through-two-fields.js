// recursion through two fields
// engine: goja

class A { x = B(); y = B(); } function B() { try { return new A(); } catch (e) {} } B()
