import type { Variant } from './variant.ts';

/** Mistakes about what an answer means. */
export const durabilityVariants: readonly Variant[] = [
  {
    name: 'asynchronous-commit',
    mistake: 'an answer is given before its commit is on disk',
    caughtBy: ['acknowledged-is-present'],
    edits: [
      {
        file: 'packages/seat-core/dist/database.js',
        find: "'-c enable_seqscan=off'",
        replace: "'-c enable_seqscan=off -c synchronous_commit=off'",
      },
    ],
    profile: { thinkMs: 5, faults: ['restart-postgres'], faultEveryMs: [500, 1_500] },
    seconds: 3,
  },
];
