// memory: typed array by its constructor
// engine: goja

const f = new Float64Array(1); new f.constructor(1e11)
