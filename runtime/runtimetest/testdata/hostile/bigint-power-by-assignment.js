// bigint: power by assignment
// engine: goja

let x = 9n; x **= 99999999n
