import type { EngineModules } from './engine-modules.ts';
import { replace } from './replacement.ts';
import type { Variant } from './variant.ts';

/** Mistakes around the hold statement: its lock, its commit, the answers that share it, its idempotency keys. */
export const holdVariants: readonly Variant[] = [
  {
    name: 'cap-without-lock',
    mistake: 'the held seats of a user are counted while another request of that user counts them, too',
    caughtBy: ['cap-holds'],
    replacements: [
      replace(
        'postgres/statement',
        'runBehindLocks',
        (_original, { runStatement }) =>
          (client, _locks, call) =>
            runStatement(client, call),
      ),
    ],
    profile: { hoardShare: 0.7, hotShare: 0, faults: [] },
    seconds: 3,
  },
  {
    name: 'acknowledged-before-commit',
    mistake: 'the requests that share a commit are answered after their statement, before its commit',
    caughtBy: ['acknowledged-is-present'],
    replacements: [
      replace(
        'postgres/connections',
        'Connections',
        (Original) =>
          class extends Original {
            override commitBehindLocks<Row extends object>(
              ...calls: Parameters<InstanceType<typeof Original>['commitBehindLocks']>
            ): Promise<Row[]> {
              return answerBeforeCommit<Row>(this, ...calls);
            }
          },
      ),
    ],
    profile: { thinkMs: 5, faults: ['restart-postgres'], faultEveryMs: [300, 900] },
    seconds: 3,
  },
  {
    name: 'neighbour-lost',
    mistake: 'one refused request of a shared commit takes its neighbours with it, which were committed',
    caughtBy: ['refused-had-no-effect'],
    replacements: [
      replace('hold/commit-holds', 'commitHolds', (commit) => async (dependencies, requests) => {
        const outcomes = await commit(dependencies, requests);
        const areHeld = outcomes.every((outcome) => outcome?.kind === 'held');
        // They go to the statement that decides about seats that are not free, and find their own.
        return areHeld ? outcomes : outcomes.map(() => null);
      }),
    ],
    // A crowd shares commits, and without the keys of Redis the statement itself refuses some of it.
    profile: {
      clients: 24,
      thinkMs: 0,
      hotSeats: 6,
      faults: ['flush-redis', 'slow-postgres'],
      faultEveryMs: [30, 120],
    },
    seconds: 3,
  },
  {
    name: 'effect-without-key',
    mistake: 'the key of a hold is written by a second transaction, after the transaction of the hold',
    caughtBy: ['one-effect-per-key', 'retry-finds-its-effect'],
    replacements: [
      replace('hold/commit-holds', 'commitHolds', (commit) => async (dependencies, requests) => {
        const outcomes = await commit(dependencies, requests.map(withoutKey));
        const held = requests.filter((_, index) => outcomes[index]?.kind === 'held');
        await rememberKeys(dependencies, held);
        return outcomes;
      }),
    ],
    settings: { holdSeconds: 20 },
    // A retry arrives when the effect of its first attempt must be there, if there is one.
    profile: { faults: ['deafen-postgres'], faultEveryMs: [300, 800], retryAfterMs: [2_600, 2_900] },
    seconds: 3,
  },
  {
    name: 'key-without-effect',
    mistake:
      'the key of a hold is written by a first transaction, before anything has decided about the hold',
    caughtBy: ['key-effect'],
    replacements: [
      replace('hold/commit-holds', 'commitHolds', (commit) => async (dependencies, requests) => {
        await rememberKeys(dependencies, requests);
        return commit(dependencies, requests.map(withoutKey));
      }),
    ],
    // Without the keys of Redis the statement refuses holds whose keys are written already.
    profile: { faults: ['flush-redis'], faultEveryMs: [100, 400] },
    seconds: 2,
  },
];

type CommitHolds = EngineModules['hold/commit-holds']['commitHolds'];

const withoutKey = (request: Parameters<CommitHolds>[1][number]) => ({ ...request, key: null });

async function rememberKeys(...[{ connections }, requests]: Parameters<CommitHolds>): Promise<void> {
  const keyed = requests.filter(({ key }) => key !== null);
  if (keyed.length === 0) return;
  const text = `
    insert into idempotency_keys (id, fingerprint, event_id, booking_id, created_at)
    select asked.id, asked.fingerprint, asked.event_id, asked.booking_id, clock_timestamp()
    from unnest($1::bytea[], $2::bytea[], $3::uuid[], $4::uuid[]) as asked(id, fingerprint, booking_id, event_id)`;
  await connections.commit({ name: 'remember-keys', text }, [
    keyed.map(({ key }) => key?.id),
    keyed.map(({ key }) => key?.fingerprint),
    keyed.map(({ bookingId }) => bookingId),
    keyed.map(({ eventId }) => eventId),
  ]);
}

type Connections = InstanceType<EngineModules['postgres/connections']['Connections']>;

/** As in the engine, except that the rows are returned before the commit. */
async function answerBeforeCommit<Row extends object>(
  connections: Connections,
  ...[locks, call]: Parameters<Connections['commitBehindLocks']>
): Promise<Row[]> {
  return new Promise((answer, refuse) => {
    const commit = connections.lend(
      async (client) => {
        const decided = [
          client.query('begin'),
          client.query({ ...locks.statement, values: [...locks.values] }),
          client.query<Row & Record<string, unknown>>({ ...call.statement, values: [...call.values] }),
        ] as const;
        await Promise.all(decided);
        answer((await decided[2]).rows);
        await client.query('select pg_sleep(0.02)');
        await client.query('commit');
      },
      { commits: true },
    );
    commit.catch(refuse);
  });
}
