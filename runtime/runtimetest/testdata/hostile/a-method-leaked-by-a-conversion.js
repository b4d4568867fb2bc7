// a method leaked by a conversion

<% template "look" %>
var o = {toString: look, valueOf: look, toJSON: look};
['join', 'concat', 'indexOf', 'slice', 'splice', 'repeat', 'split', 'replace', 'match',
  'padStart'].forEach(function (m) { try { 'a'[m](o, o); } catch (e) {} try { [1, 2][m](o, o); } catch (e) {}
  try { [o][m](); } catch (e) {} });
try { String(o); +o; new RegExp(o); Math.max(o); new Date(o); parseInt(o); parseFloat(o); encodeURI(o); btoa(o);
  console.log(o); test.echo(o); JSON.stringify(o); new Error(o); (5).toFixed(o); new URL(o); isNaN(o);
  respond(o); } catch (e) {} [].length = o;
new Array(1).length = o
<% template "misuse" %>
