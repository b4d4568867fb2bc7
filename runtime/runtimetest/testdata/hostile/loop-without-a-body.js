// loop without a body
// want: BUDGET_CPU

for (;;);
