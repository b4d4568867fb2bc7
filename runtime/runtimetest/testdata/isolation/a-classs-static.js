// a class's static
// engine: goja

class A { static n = 0; } A.n++; return A.n
