// this at the top level
// engine: goja

const was = typeof this + (this && this.stash); try { this.stash = request.id; } catch {} return was
