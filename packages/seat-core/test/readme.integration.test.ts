import { readFile } from 'node:fs/promises';
import { createTestStack } from '@ticketing/testkit';
import { expect, it } from 'vitest';
import { sellOneSeat } from './readme-example.ts';
import { expireOneSeat } from './readme-expiry-example.ts';

it('the worked examples of the README are what compiles here: they sell a seat, and let one expire', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const examples = await Promise.all(
    ['readme-example.ts', 'readme-expiry-example.ts'].map((file) =>
      readFile(new URL(file, import.meta.url), 'utf8'),
    ),
  );
  const blocks = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code);
  expect(blocks).toEqual(examples);

  await using stack = await createTestStack();
  expect(await sellOneSeat(stack.databaseUrl, stack.redisUrl)).toEqual([
    'PENDING',
    'SEAT_TAKEN',
    'CONFIRMED',
  ]);
  expect(await expireOneSeat(stack.databaseUrl, stack.redisUrl)).toBe('EXPIRED');
});
