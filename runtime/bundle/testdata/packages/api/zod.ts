import { z } from 'zod';

const User = z.object({
  name: z.string().min(2),
  email: z.string().email(),
  age: z.coerce.number().int().positive().optional(),
  role: z.enum(['admin', 'user']).default('user'),
  tags: z.array(z.string()).max(3).optional(),
  shape: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('circle'), r: z.number() }),
    z.object({ kind: z.literal('square'), side: z.number() }),
  ]).optional(),
});

type User = z.infer<typeof User>;

export default function (request: { method: string }) {
  const good: User = User.parse({ name: 'Ann', email: 'a@example.org', age: '36', shape: { kind: 'circle', r: 2 } });
  const bad = User.safeParse({ name: 'A', email: 'nobody', age: -1.5, role: 'god', tags: ['1', '2', '3', '4'], shape: { kind: 'x' } });
  const transformed = z.string().transform((s) => s.length).pipe(z.number().max(5)).safeParse('longer than five');
  return {
    good,
    issues: bad.success ? [] : bad.error.issues,
    flat: bad.success ? null : bad.error.flatten(),
    transformed: transformed.success,
    strict: User.strict().safeParse({ name: 'Ann', email: 'a@example.org', more: 1 }).success,
    date: z.string().datetime().safeParse('2024-02-29T12:00:00Z').success,
    url: z.string().url().safeParse('https://example.org/x').success,
  };
}
