// evil thrown value
// want: BUDGET_CPU

throw {get message() { for (;;) {} }}
