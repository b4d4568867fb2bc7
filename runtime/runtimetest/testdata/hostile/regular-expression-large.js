// regular expression: large

new RegExp('(?:' + 'a{1000}'.repeat(500) + ')*').test('a'.repeat(1e6))
