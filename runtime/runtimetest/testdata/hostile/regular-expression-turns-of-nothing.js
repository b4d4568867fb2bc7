// regular expression: turns of nothing
// engine: goja

return /(?:(?:(?:){20}){20}){20}(?:(?=(?:(?=x)){20}){20}){20}y/.test(new Array(1000).join('x'));
