// the running function's static

function handler() { handler.n = (handler.n || 0) + 1; return handler.n; }
