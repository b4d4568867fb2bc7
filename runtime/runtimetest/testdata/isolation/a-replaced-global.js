// a replaced global

var was = Math === null;
Math = null;
JSON = request.id;
undefined = 1;
NaN = 2;
return [was, typeof JSON, undefined, isNaN(NaN)]
