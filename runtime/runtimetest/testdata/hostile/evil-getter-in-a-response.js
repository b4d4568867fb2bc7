// evil getter in a response
// want: BUDGET_CPU

return {get a() { for (;;) {} }}
