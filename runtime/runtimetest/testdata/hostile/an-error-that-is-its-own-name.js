// an error that is its own name
// engine: goja

try { null.x } catch (e) { e.name = e; return String(e) }
