import type { Variant } from './variant.ts';

const commitHolds = 'packages/seat-core/dist/hold/commit-holds.js';

/** Mistakes with commits that many requests share. */
export const batchVariants: readonly Variant[] = [
  {
    name: 'two-won-in-a-batch',
    mistake: 'two requests for one seat that share a commit both get it',
    caughtBy: ['seat-history', 'seat-status', 'seat-sold-once'],
    edits: [
      {
        file: 'packages/seat-core/dist/hold/hold-seats.sql.js',
        find: 'where judged.booking_id = available.booking_id and first.n < available.n',
        replace: 'where false',
      },
    ],
    sql: ['drop index booking_seats_live_seat_key'],
    // Only without locks do two requests for one seat come that far.
    profile: {
      clients: 24,
      hotSeats: 2,
      hotShare: 1,
      seatsPerHold: 1,
      confirmShare: 0,
      thinkMs: 0,
      faults: ['freeze-redis', 'silence-redis', 'flush-redis'],
      faultEveryMs: [20, 100],
    },
    seconds: 4,
  },
  {
    name: 'answers-mixed-up',
    mistake: 'a commit that many shared hands its outcomes out in the wrong order',
    caughtBy: ['acknowledged-is-present', 'all-seats-or-none', 'refused-had-no-effect'],
    edits: [
      {
        file: 'packages/seat-core/dist/postgres/group-commit.js',
        find: 'member.resolve(outcomes[index]);',
        replace: 'member.resolve(outcomes[batch.length - 1 - index]);',
      },
    ],
    // Requests share a commit when they come while another is under way.
    profile: { clients: 24, thinkMs: 0, hotShare: 0, faults: ['slow-postgres'], faultEveryMs: [100, 300] },
    seconds: 3,
  },
  {
    name: 'answered-before-commit',
    mistake:
      'the requests that share a commit are answered when their statement is through, before its commit',
    caughtBy: ['acknowledged-is-present'],
    edits: [
      {
        file: 'packages/seat-core/dist/postgres/statement.js',
        find: "client.query('commit'),",
        replace: "client.query('select pg_sleep(0.02)').then(() => client.query('commit')),",
      },
      {
        file: 'packages/seat-core/dist/postgres/statement.js',
        find: 'const replies = await Promise.allSettled(sent);',
        replace: `sent[2].then(({ rows }) => call.answer(rows), () => undefined);
          const replies = await Promise.allSettled(sent);`,
      },
      {
        file: commitHolds,
        find: 'const rows = await commitBehindLocks(context, locks, {',
        replace: `const rows = await new Promise((answer, refuse) => commitBehindLocks(context, locks, {
          answer,`,
      },
      {
        file: commitHolds,
        find: '?.fingerprint ?? null),\n        ],\n    });',
        replace: '?.fingerprint ?? null),\n        ],\n    }).then(answer, refuse));',
      },
    ],
    profile: { thinkMs: 5, faults: ['restart-postgres'], faultEveryMs: [300, 900] },
    seconds: 3,
  },
  {
    name: 'neighbour-lost',
    mistake: 'one request of a commit that is refused takes its neighbours with it, which were committed',
    caughtBy: ['refused-had-no-effect'],
    edits: [
      {
        file: commitHolds,
        find: 'recordReclaims(context, rows);\n    void',
        replace: `const failed = outcomes.find(({ kind }) => kind === 'refused');
          if (failed !== undefined) outcomes.fill(failed);
          recordReclaims(context, rows);
          void`,
      },
    ],
    // Without keys of Redis some of a batch are refused by the statement itself.
    profile: {
      clients: 24,
      thinkMs: 0,
      hotSeats: 6,
      faults: ['flush-redis', 'slow-postgres'],
      faultEveryMs: [30, 120],
    },
    seconds: 3,
  },
];
