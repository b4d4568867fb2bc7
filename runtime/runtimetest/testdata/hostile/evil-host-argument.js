// evil host argument
// want: BUDGET_CPU

test.echo({get x() { for (;;) {} }})
