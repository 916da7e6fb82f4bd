import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { SeatCoreError } from '../../src/errors.ts';
import { GroupCommit } from '../../src/postgres/group-commit.ts';

/** A commit under way that the test ends. */
interface Underway {
  readonly batch: readonly string[];
  readonly succeed: () => void;
  readonly fail: (error: Error) => void;
}

function groupOf(decide: (batch: readonly string[]) => readonly string[] = (batch) => batch) {
  const underway: Underway[] = [];
  const sizes: number[] = [];
  const group = new GroupCommit<string, string>({
    commit: (batch) =>
      new Promise((resolve, reject) => {
        underway.push({ batch, succeed: () => resolve(decide(batch)), fail: reject });
      }),
    onBatch: (size) => sizes.push(size),
  });
  return { group, underway, sizes };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
/** Lets finished commits end and the next ones begin. */
async function settled(): Promise<void> {
  await turn();
  await turn();
}

const rolledBack = () => Object.assign(new pg.DatabaseError('duplicate key', 1, 'error'), { code: '23505' });

describe('GroupCommit', () => {
  it('commits a lone request at once', async () => {
    const { group, underway } = groupOf();
    void group.submit('a');
    await settled();
    expect(underway.map(({ batch }) => batch)).toEqual([['a']]);
  });

  it('commits requests that arrive together in one batch', async () => {
    const { group, underway, sizes } = groupOf();
    const answers = ['a', 'b', 'c'].map((request) => group.submit(request));
    await settled();
    expect(underway.map(({ batch }) => batch)).toEqual([['a', 'b', 'c']]);
    underway[0]!.succeed();
    expect(await Promise.all(answers)).toEqual(['a', 'b', 'c']);
    expect(sizes).toEqual([3]);
  });

  it('commits requests that arrive during a commit in one batch after it', async () => {
    const { group, underway, sizes } = groupOf();
    const answers: Promise<string>[] = [];
    for (const request of ['a', 'b', 'c', 'd', 'e']) {
      answers.push(group.submit(request));
      await settled();
    }
    expect(underway.map(({ batch }) => batch)).toEqual([['a']]);
    underway[0]!.succeed();
    await settled();
    expect(underway[1]!.batch).toEqual(['b', 'c', 'd', 'e']);
    underway[1]!.succeed();
    expect(await Promise.all(answers)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(sizes).toEqual([1, 4]);
  });

  it('waits for more requests after a commit of several, a while that its time sets, and 10 ms at most', async () => {
    const { group, underway } = groupOf();
    void group.submit('a');
    void group.submit('b');
    await settled();
    await new Promise((resolve) => setTimeout(resolve, 100));
    underway[0]!.succeed();
    const since = performance.now();
    void group.submit('c');
    await settled();
    void group.submit('d');
    await settled();
    expect(underway).toHaveLength(1);
    await expect.poll(() => underway.length, { interval: 1 }).toBe(2);
    expect(underway[1]!.batch).toEqual(['c', 'd']);
    expect(performance.now() - since).toBeGreaterThan(8);
  });

  it('waits for no more requests when 32 wait, nor after a commit of one', async () => {
    const { group, underway } = groupOf();
    void group.submit('a');
    await settled();
    await new Promise((resolve) => setTimeout(resolve, 100));
    underway[0]!.succeed();
    void group.submit('b');
    void group.submit('c');
    await settled();
    expect(underway[1]!.batch).toEqual(['b', 'c']);
    await new Promise((resolve) => setTimeout(resolve, 100));
    underway[1]!.succeed();
    for (let n = 0; n < 32; n += 1) void group.submit(`${n}`);
    await settled();
    expect(underway[2]!.batch).toHaveLength(32);
  });

  it('runs a second commit beside the first when a full batch waits, and no third', async () => {
    const { group, underway } = groupOf();
    void group.submit('first');
    await settled();
    for (let n = 0; n < 63; n += 1) void group.submit(`${n}`);
    await settled();
    expect(underway).toHaveLength(1);
    void group.submit('the last one');
    await settled();
    expect(underway.map(({ batch }) => batch.length)).toEqual([1, 64]);
    for (let n = 0; n < 100; n += 1) void group.submit(`${n}`);
    await settled();
    expect(underway).toHaveLength(2);
  });

  it('commits 64 requests at most in one batch', async () => {
    const { group, underway } = groupOf();
    const answers = Array.from({ length: 100 }, (_, n) => group.submit(`${n}`));
    await settled();
    expect(underway.map(({ batch }) => batch.length)).toEqual([64]);
    underway[0]!.succeed();
    await settled();
    expect(underway[1]!.batch).toHaveLength(36);
    underway[1]!.succeed();
    expect(await Promise.all(answers)).toHaveLength(100);
  });
});

describe('a batch that fails', () => {
  async function batchOf(requests: readonly string[]) {
    const made = groupOf();
    const answers = requests.map((request) => made.group.submit(request));
    await settled();
    return { ...made, answers, shared: made.underway[0]! };
  }

  it('a batch that was rolled back is tried again one by one: one poisoned request fails alone', async () => {
    const { answers, shared, underway } = await batchOf(['a', 'poisoned', 'c']);
    const outcomes = Promise.allSettled(answers);
    shared.fail(rolledBack());
    await settled();
    for (const { batch, succeed, fail } of underway.slice(1)) {
      expect(batch).toHaveLength(1);
      if (batch[0] === 'poisoned') fail(rolledBack());
      else succeed();
    }
    expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    await settled();
    expect(underway).toHaveLength(4);
  });

  it('second tries go on four at a time, and do not keep the next requests waiting', async () => {
    const { group, shared, underway } = await batchOf(['a', 'b', 'c', 'd', 'e', 'f']);
    shared.fail(rolledBack());
    await settled();
    expect(underway.slice(1).map(({ batch }) => batch)).toEqual([['a'], ['b'], ['c'], ['d']]);
    void group.submit('next');
    await settled();
    expect(underway.at(-1)?.batch).toEqual(['next']);
    underway[1]!.succeed();
    await settled();
    expect(underway.at(-1)?.batch).toEqual(['e']);
  });

  it('a request whose time is over before its second try is OVERLOADED, whatever failed its batch', async () => {
    const { answers, shared, underway } = await batchOf(['a', 'b', 'c', 'd', 'late']);
    const outcomes = Promise.allSettled(answers);
    shared.fail(rolledBack());
    await settled();
    await new Promise((resolve) => setTimeout(resolve, 1_350));
    for (const { succeed } of underway.slice(1, 5)) succeed();
    const last = (await outcomes).at(-1);
    expect(last).toMatchObject({ status: 'rejected', reason: { code: 'OVERLOADED' } });
    expect(underway).toHaveLength(5);
  });

  it('a batch whose outcome is unknown is not tried again, and fails all of its requests', async () => {
    const { answers, shared, underway } = await batchOf(['a', 'b']);
    const outcomes = Promise.allSettled(answers);
    const lost = new SeatCoreError('DEPENDENCY_UNAVAILABLE', 'gone', { outcome: 'unknown' });
    shared.fail(lost);
    expect(await outcomes).toEqual([
      { status: 'rejected', reason: lost },
      { status: 'rejected', reason: lost },
    ]);
    await settled();
    expect(underway).toHaveLength(1);
  });
});

describe('overload', () => {
  it('refuses more requests than can be committed in time at once', async () => {
    const { group, underway } = groupOf();
    const outcomes = Promise.allSettled(Array.from({ length: 1_100 }, (_, n) => group.submit(`${n}`)));
    await settled();
    expect(underway).toHaveLength(2);
    for (let n = 0; n < underway.length; n += 1) {
      underway[n]!.succeed();
      await settled();
    }
    const refused = (await outcomes).filter((outcome) => outcome.status === 'rejected');
    // 1,024 may wait at any rate.
    expect(refused).toHaveLength(1_100 - 1_024);
    expect(new Set(refused.map(({ reason }) => (reason as SeatCoreError).code))).toEqual(
      new Set(['OVERLOADED']),
    );
  });

  it('refuses a request that waited too long, without trying it', async () => {
    const { group, underway } = groupOf();
    void group.submit('a');
    await settled();
    const late = group.submit('late').catch((error: SeatCoreError) => error.code);
    await new Promise((resolve) => setTimeout(resolve, 450));
    underway[0]!.succeed();
    expect(await late).toBe('OVERLOADED');
    expect(underway).toHaveLength(1);
  });
});
