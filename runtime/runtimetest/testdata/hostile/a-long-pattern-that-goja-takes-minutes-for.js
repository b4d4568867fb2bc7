// goja's own compilation of a pattern takes time by the square, in one step.
// engine: goja

const pattern = 'ab|cd|'.repeat(32000) + '(?=x)';
new RegExp(pattern).test('x');
new RegExp(pattern + '*').test('x');
return 'ended';
