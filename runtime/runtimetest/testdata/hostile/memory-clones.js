// memory: clones
// want: BUDGET_MEMORY
// engine: goja

const l = [new Uint8Array(1e6)]; for (;;) l.push(structuredClone(l[0]))
