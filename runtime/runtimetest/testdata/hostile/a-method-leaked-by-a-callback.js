// a method leaked by a callback

<% template "look" %>
[1].forEach(look);
[1].map(look);
[1].filter(look);
[1].some(look);
[1].every(look);
[1, 2].reduce(look);
[2, 1].sort(look);
look.apply(null, [1, 2, 3, 4, 5, 6, 7]);
look.call(null);
look.bind(null)();
'a'.replace(/a/, look);
JSON.parse('[1]', look);
Array.from([1], look)
<% template "misuse" %>
