// a native as toString
// engine: goja

'' + {toString: String.prototype.trim}
