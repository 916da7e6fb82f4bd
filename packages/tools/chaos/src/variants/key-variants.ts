import type { Variant } from './variant.ts';

const commitHolds = 'packages/seat-core/dist/hold/commit-holds.js';
const onceByKey = 'packages/seat-core/dist/idempotency/idempotency.js';

/** Mistakes with idempotency keys. */
export const keyVariants: readonly Variant[] = [
  {
    name: 'key-in-second-transaction',
    mistake: 'the key of a hold is written by a transaction of its own, after that of the hold',
    caughtBy: ['one-effect-per-key', 'retry-finds-its-effect'],
    edits: [
      {
        file: commitHolds,
        find: 'import { commitBehindLocks } from',
        replace: 'import { commitBehindLocks, commitStatement } from',
      },
      { file: commitHolds, find: 'request.key?.id ?? null', replace: 'null' },
      { file: commitHolds, find: 'request.key?.fingerprint ?? null', replace: 'null' },
      {
        file: commitHolds,
        find: "failpoint('hold-committed');",
        replace: `const eventOf = new Map(rows.flatMap((row) =>
            row.verdict === 'HELD' ? [[row.booking_id, row.event_id]] : []));
          const keyed = requests.filter(({ key, bookingId }) => key !== null && eventOf.has(bookingId));
          if (keyed.length > 0) {
            const insert = 'insert into idempotency_keys (id, fingerprint, event_id, booking_id, created_at) ' +
              'select *, clock_timestamp() from unnest($1::bytea[], $2::bytea[], $3::uuid[], $4::uuid[])';
            await commitStatement(context, { name: 'remember-keys', text: insert }, [
              keyed.map(({ key }) => key.id),
              keyed.map(({ key }) => key.fingerprint),
              keyed.map(({ bookingId }) => eventOf.get(bookingId)),
              keyed.map(({ bookingId }) => bookingId),
            ]);
          }`,
      },
    ],
    settings: { holdSeconds: 20 },
    // A retry that comes when its first attempt must be there, if it is there at all.
    profile: { faults: ['deafen-postgres'], faultEveryMs: [300, 800], retryAfterMs: [2_600, 2_900] },
    seconds: 3,
  },
  {
    name: 'refusal-kept',
    mistake: 'what a request was answered is kept under its key, also if it was refused',
    caughtBy: ['no-refusal-is-kept'],
    edits: [
      {
        file: onceByKey,
        find: 'const known = await find(context, key);',
        replace: `const kept = (globalThis.keptRefusals ??= new Map());
          const name = key.id.toString('base64');
          if (kept.has(name)) throw kept.get(name);
          const known = await find(context, key);`,
      },
      {
        file: onceByKey,
        find: 'const isTwinAtWork = isTwinRefusal(error);',
        replace: `if (isRefusal(error)) kept.set(name, Object.assign(Object.create(error), { isKept: true }));
          const isTwinAtWork = isTwinRefusal(error);`,
      },
      {
        file: 'packages/service-kit/dist/problems/problem-handlers.js',
        find: '.send(problem.body)',
        replace:
          ".headers(error.isKept === true ? { 'idempotency-replayed': 'true' } : {}).send(problem.body)",
      },
    ],
    // Neighbours that hold the locks of a few seats: those who are told to come again do so.
    profile: { neighbours: 6, hotSeats: 3, hotShare: 1, faults: [] },
    seconds: 2,
  },
];
