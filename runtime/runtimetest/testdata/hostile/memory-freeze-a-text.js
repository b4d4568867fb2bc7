// memory: freeze a text

Object.freeze(new String('x'.repeat(5e7)))
