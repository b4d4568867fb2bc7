// memory: one text of a hundred
// want: BUDGET_MEMORY

var s = 'x'; for (var i = 0; i < 21; i++) s += s; while (true) s<% repeat 100 " + s" %>
