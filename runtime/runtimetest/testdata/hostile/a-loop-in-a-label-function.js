// a loop in a label function
// want: BUDGET_CPU
// engine: goja

const t = () => { for (;;) ; }; t`x`
