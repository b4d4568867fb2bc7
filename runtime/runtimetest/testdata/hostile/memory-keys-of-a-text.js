// memory: keys of a text

return Object.keys(new String('x'.repeat(5e7))).length
