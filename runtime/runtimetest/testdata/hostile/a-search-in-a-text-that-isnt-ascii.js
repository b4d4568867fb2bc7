// a search in a text that isn't ASCII
// engine: goja

('é'.repeat(1e6)).indexOf('é'.repeat(5e5) + 'b')
