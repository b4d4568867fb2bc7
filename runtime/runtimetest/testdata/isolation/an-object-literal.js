// an object literal

function o() { return {a: []}; } var was = o().a.length; o().a.push(request.id); return was
