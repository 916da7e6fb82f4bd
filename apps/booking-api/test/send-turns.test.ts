import { expect, it } from 'vitest';
import { LiveMessage } from '../src/live/live-message.ts';
import { SendTurns } from '../src/live/send-turns.ts';

const id = '01a2082d-7486-721a-9bc4-ee6c8ca29bc6';
const messageOf = (seats: number) =>
  new LiveMessage({ type: 'changes', seats: Array.from({ length: seats }, () => ({ id, status: 'SOLD' })) });

it.each([
  ['two of a hall of 20,000 seats', 20_000, 2],
  ['a thousand of one seat', 1, 1_000],
])('after %s others get a turn, and not before', async (_name, seats, sends) => {
  const message = messageOf(seats);
  const turns = new SendTurns();
  let hadTurn = false;
  setImmediate(() => (hadTurn = true));
  await turns.sent(message);
  expect(hadTurn).toBe(false);
  for (let sent = 1; sent < sends; sent++) await turns.sent(message);
  expect(hadTurn).toBe(true);
});
