// evil getter of a header
// want: BUDGET_CPU

return {body: 'x', headers: {get a() { for (;;) {} }}}
