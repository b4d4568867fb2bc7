import { v1, v3, v4, v5, v7, validate, version, parse, stringify, NIL } from 'uuid';

export default function (request) {
  const random = v4();
  return {
    five: v5('hello', v5.DNS),
    three: v3('hello', v3.URL),
    random: [validate(random), version(random), random.length, random !== v4()],
    seven: [version(v7()), v7({ msecs: 0, random: new Uint8Array(16) })],
    one: version(v1()),
    parsed: Array.from(parse('6ba7b810-9dad-11d1-80b4-00c04fd430c8')),
    text: stringify(new Uint8Array(16).fill(0x88), 0),
    nil: NIL,
    wrong: validate('nope'),
  };
}
