// array of length 2^53-1: from
// engine: goja

Uint8Array.from({length: 2 ** 53 - 1})
