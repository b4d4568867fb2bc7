// Array.from

Array.from({length: 4294967295})
