// a deleted global

var was = typeof Math + typeof JSON + typeof respond;
delete Math;
(function () { delete this.JSON; })();
delete respond;
return was
