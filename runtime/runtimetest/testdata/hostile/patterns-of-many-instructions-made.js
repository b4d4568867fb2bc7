// The same while the handler runs, and matched.
// engine: goja

const texts = [];
for (let i = 0; i < 20; i++) texts.push(new RegExp('a{1,999}'.repeat(900) + i).test('a'));
return texts;
