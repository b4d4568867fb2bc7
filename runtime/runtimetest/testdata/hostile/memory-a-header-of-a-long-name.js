// memory: a header of a long name

var h = {}; h['\u0001'.repeat(6e6)] = 'x'; while (true) try { respond(200, '', h) } catch (e) {}
