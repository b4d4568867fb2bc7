import { nanoid, customAlphabet, customRandom, urlAlphabet } from 'nanoid';

export default function (request) {
  const id = nanoid();
  const digits = customAlphabet('0123456789', 12)();
  return {
    length: id.length,
    url: /^[A-Za-z0-9_-]+$/.test(id),
    short: nanoid(5).length,
    digits: /^\d{12}$/.test(digits),
    different: new Set(Array.from({ length: 50 }, () => nanoid())).size,
    seeded: customRandom('abcdef', 10, (n) => new Uint8Array(n).map((_, i) => i * 7))(),
    alphabet: urlAlphabet.length,
  };
}
