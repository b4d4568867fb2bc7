// an endless generator
// engine: goja

function* g() { for (;;) yield 1; } [...g()]
