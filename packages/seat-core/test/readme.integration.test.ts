import { readFile } from 'node:fs/promises';
import { createTestStack } from '@ticketing/dev-stack';
import { expect, it } from 'vitest';
import { sellOneSeat } from './readme-example.ts';

it('the worked example of the README is what compiles here, and it sells a seat', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const example = await readFile(new URL('readme-example.ts', import.meta.url), 'utf8');
  const blocks = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code);
  expect(blocks).toEqual([example]);

  await using stack = await createTestStack();
  expect(await sellOneSeat(stack.databaseUrl, stack.redisUrl)).toEqual([
    'PENDING',
    'SEAT_TAKEN',
    'CONFIRMED',
  ]);
});
