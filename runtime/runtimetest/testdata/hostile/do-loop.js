// do loop
// want: BUDGET_CPU

do ; while (true)
