// array of length 2^32-1: all methods

var a = []; a.length = 4294967295; var f = function (x) { return x; };
['concat', 'every', 'filter', 'find', 'flat', 'forEach', 'map', 'reduce', 'reduceRight', 'reverse', 'slice',
  'some', 'splice', 'unshift', 'fill', 'includes', 'toLocaleString', 'toString', 'lastIndexOf',
  'push'].forEach(function (m) {
try { if (m === 'reduce' || m === 'reduceRight') a[m](f, 0); else a[m](f); } catch (e) {}
})
