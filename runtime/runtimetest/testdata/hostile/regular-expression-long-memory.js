// regular expression: a long memory

return /^(?:(a)|b)*c/.test(new Array(3e6).join('ab'));
