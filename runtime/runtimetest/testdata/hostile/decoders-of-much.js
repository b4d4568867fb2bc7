// decoders of much
// want: BUDGET_CPU
// engine: goja

const b = new Uint8Array(1.5e6).fill(0xe2); for (;;) for (const l of ["utf-8", "gb18030", "utf-16le"]) new TextDecoder(l).decode(b)
