// memory: match

return 'x'.repeat(5e7).match(/x/g).length
