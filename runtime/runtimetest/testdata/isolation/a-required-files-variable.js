// a required file's variable

return require('./counter').next()
