import { expect, it } from 'vitest';
import { SendTurns, SnapshotLanes } from '../../src/live/send-pacing.ts';

it.each([
  ['two sends of 1.2 MB', 1_200_000, 2],
  ['a thousand sends of 100 bytes', 100, 1_000],
])('SendTurns gives the event loop a turn after %s, and not before', async (_name, bytes, sends) => {
  const turns = new SendTurns();
  let hadTurn = false;
  setImmediate(() => (hadTurn = true));
  await turns.take(bytes);
  expect(hadTurn).toBe(false);
  for (let sent = 1; sent <= sends; sent++) await turns.take(bytes);
  expect(hadTurn).toBe(true);
});

it('SendTurns bounds what many concurrent senders send together in one turn', async () => {
  const turns = new SendTurns();
  const sentPerTurn: number[] = [];
  let sent = 0;
  let isDone = false;
  const countTurn = () => {
    sentPerTurn.push(sent);
    sent = 0;
    if (!isDone) setImmediate(countTurn);
  };
  countTurn();
  const sender = async () => {
    for (let send = 0; send < 5; send++) {
      await turns.take(256 * 1024);
      sent += 1;
    }
  };
  await Promise.all(Array.from({ length: 50 }, sender));
  isDone = true;
  expect(Math.max(...sentPerTurn)).toBeLessThan(20);
});

it('SnapshotLanes gives a free lane to the client that waits longest, once, however often it is given back', async () => {
  const lanes = new SnapshotLanes(2);
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
