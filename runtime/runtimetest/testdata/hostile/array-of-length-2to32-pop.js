// array of length 2^32-1: pop

var a = []; a[4294967294] = 1; a.pop(); a.splice(0, 4294967290); a.shift()
