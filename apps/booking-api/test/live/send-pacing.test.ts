import { expect, it } from 'vitest';
import { SendLanes } from '../../src/live/send-lanes.ts';
import { SendTurns } from '../../src/live/send-turns.ts';

it.each([
  ['two of 1.2 MB', 1_200_000, 2],
  ['a thousand of 100 bytes', 100, 1_000],
])('after %s others get a turn, and not before', async (_name, bytes, sends) => {
  const turns = new SendTurns();
  let hadTurn = false;
  setImmediate(() => (hadTurn = true));
  await turns.take(bytes);
  expect(hadTurn).toBe(false);
  for (let sent = 1; sent <= sends; sent++) await turns.take(bytes);
  expect(hadTurn).toBe(true);
});

it('however many rows of sends there are, together they send no more before others get a turn', async () => {
  const turns = new SendTurns();
  const sentPerTurn: number[] = [];
  let sent = 0;
  let isDone = false;
  const watch = () => {
    sentPerTurn.push(sent);
    sent = 0;
    if (!isDone) setImmediate(watch);
  };
  watch();
  const row = async () => {
    for (let send = 0; send < 5; send++) {
      await turns.take(256 * 1024);
      sent += 1;
    }
  };
  await Promise.all(Array.from({ length: 50 }, row));
  isDone = true;
  expect(Math.max(...sentPerTurn)).toBeLessThan(20);
});

it('a lane is given to whoever waits longest, once, however often it is given back', async () => {
  const lanes = new SendLanes(2);
  const entered: string[] = [];
  const enter = async (name: string) => {
    const leave = await lanes.enter();
    entered.push(name);
    return leave;
  };
  const [leaveFirst] = [await enter('first'), await enter('second')];
  const waiting = [enter('third'), enter('fourth')];
  leaveFirst();
  leaveFirst();
  const leaveThird = await waiting[0]!;
  expect(entered).toEqual(['first', 'second', 'third']);
  leaveThird();
  await waiting[1];
  expect(entered).toEqual(['first', 'second', 'third', 'fourth']);
});
