import process from 'node:process';
import type { PartMessage } from './part-messages.ts';

export type Tell = (message: PartMessage) => void;

/** What the entry of a part calls: takes its job from the bench, and ends with it. */
export function runPart(work: (job: unknown, tell: Tell) => Promise<void>): void {
  const tell: Tell = (message) => void process.send?.(message);
  process.once('disconnect', () => process.exit());
  process.once('message', (job) => {
    work(job, tell).catch((error: unknown) => {
      tell({
        kind: 'failed',
        reason: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    });
  });
}
