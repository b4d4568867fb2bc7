// array of length 2^32-1: host

var a = []; a.length = 4294967295; test.echo(a)
