// array of length 2^32-1: shorten by a name

var a = []; a[4294967294] = 1; var k = 'len'; a[k + 'gth'] = 0
