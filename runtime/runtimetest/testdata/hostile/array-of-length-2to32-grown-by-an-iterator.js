// array of length 2^32-1: grown by an iterator
// engine: goja

const a = [1], it = a.values(); it.next(); a.length = 4294967295; [...it]
