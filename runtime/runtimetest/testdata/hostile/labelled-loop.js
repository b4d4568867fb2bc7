// labelled loop
// want: BUDGET_CPU

a: for (;;) { for (;;) { continue a; } }
