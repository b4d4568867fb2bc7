// a conversion that is a native, by a name that is data: a reviver's

var o = JSON.parse('{"to' + 'String": 1}', function (k, v) { return k ? ''.trim : v; });
respond(200, 'x', {a: [o]});
