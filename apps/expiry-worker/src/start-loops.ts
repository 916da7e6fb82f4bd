import type { SeatCore, SeatCoreLogger } from '@ticketing/seat-core';
import { startLoop, type Loop } from './start-loop.ts';

/** What one round of the sweep ends at most; a round that was full is followed by the next at once. */
const sweepLimit = 500;

/** What one statement of the purge deletes at most: a few milliseconds of work. */
const purgeLimit = 1_000;

/** What is done by the clock, so that no lost job and no lost delete lasts longer than a second or two. */
export function startLoops(core: SeatCore, logger: SeatCoreLogger): Loop {
  const loops = [
    startLoop({
      name: 'sweep',
      everyMs: 1_000,
      logger,
      round: async (stopping) => {
        let ended: number;
        do ended = await core.sweepOverdue({ limit: sweepLimit });
        while (ended === sweepLimit && !stopping.aborted);
      },
    }),
    startLoop({ name: 'repair', everyMs: 1_000, logger, round: () => core.repairCache() }),
    startLoop({ name: 'clock', everyMs: 5_000, logger, round: () => core.measureClockOffset() }),
    startLoop({
      name: 'purge',
      everyMs: 10_000,
      logger,
      round: async (stopping) => {
        let purged: number;
        do purged = await core.purgeIdempotencyKeys({ limit: purgeLimit });
        while (purged === purgeLimit && !stopping.aborted);
      },
    }),
  ];
  return {
    stop: async () => {
      await Promise.all(loops.map((loop) => loop.stop()));
    },
  };
}
