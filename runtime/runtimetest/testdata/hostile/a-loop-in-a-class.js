// a loop in a class
// want: BUDGET_CPU
// engine: goja

class A { static { for (;;) ; } }
