// memory: pad

return 'ab'.padStart(4e9)
