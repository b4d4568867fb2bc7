// memory: typed array by a subclass
// engine: goja

class A extends Float64Array {} new A(1e11)
