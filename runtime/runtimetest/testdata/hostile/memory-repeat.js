// memory: repeat

return 'ab'.repeat(2e9)
