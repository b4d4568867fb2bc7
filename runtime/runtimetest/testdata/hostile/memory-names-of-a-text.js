// memory: names of a text

return Object.getOwnPropertyNames('x'.repeat(5e7)).length
