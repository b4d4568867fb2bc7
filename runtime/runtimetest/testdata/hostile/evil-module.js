// evil module
// want: BUDGET_CPU

module.__defineGetter__ ? 0 : Object.defineProperty(module, 'exports', {get: function () { for (;;) {} }}); 1
