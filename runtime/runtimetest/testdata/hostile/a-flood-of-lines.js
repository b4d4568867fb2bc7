// a flood of lines

for (;;) console.log('x'.repeat(1e5))
