// a conversion that is a native, by a name that is data: an answer

var o = Object.fromEntries([['to' + 'String', ''.trim]]);
respond(200, 'x', {a: [o]});
