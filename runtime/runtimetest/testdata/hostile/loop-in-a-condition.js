// loop in a condition
// want: BUDGET_CPU

function t() { return true; } while (t()) ;
