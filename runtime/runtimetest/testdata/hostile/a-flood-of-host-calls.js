// a flood of host calls
// want: BUDGET_CPU

for (;;) test.echo(1)
