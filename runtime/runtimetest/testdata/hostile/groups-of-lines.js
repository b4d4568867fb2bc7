// groups of lines
// want: BUDGET_CPU

for (;;) { console.group("a\nb"); console.table([{a: 1}]); console.count(Math.random()); console.time(Math.random()); }
