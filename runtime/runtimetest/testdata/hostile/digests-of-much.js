// digests of much
// want: BUDGET_CPU
// engine: goja

const b = new Uint8Array(3e7); for (;;) await crypto.subtle.digest("SHA-512", b)
