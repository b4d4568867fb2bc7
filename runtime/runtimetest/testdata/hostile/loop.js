// loop
// want: BUDGET_CPU

while (true) {}
