// memory: text of an error

var e = new Error('x'); while (true) e.name = e.message = e + ''
