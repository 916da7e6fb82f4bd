/* A thread of its own for the attacks, so that their work does not delay the buyers, whose times count. */

import { parentPort, Worker, workerData } from 'node:worker_threads';
import { attacks, type AttackName, type Target } from './attacks.ts';

/** By attack, how often each outcome came. */
export type Outcomes = Readonly<Record<string, Readonly<Record<string, number>>>>;

export interface Attackers extends AsyncDisposable {
  readonly outcomes: () => Outcomes;
  /** Ends every attack and its connections. @throws when an attack failed of itself */
  readonly stop: () => Promise<void>;
}

/** The built file, also when this module runs from its source. */
const entry = new URL('../../dist/hostile/attackers.js', import.meta.url);

/** @param names the attacks to run; default all */
export function startAttackers(target: Target, names?: readonly AttackName[]): Attackers {
  const data = { target, names: names ?? Object.keys(attacks) };
  const worker = new Worker(entry, { workerData: data, execArgv: [] });
  let outcomes: Outcomes = {};
  let failure: unknown;
  worker.on('message', (message: Outcomes) => {
    outcomes = message;
  });
  worker.on('error', (error: unknown) => {
    failure = error;
  });
  return {
    outcomes: () => outcomes,
    stop: async () => {
      await worker.terminate();
      if (failure !== undefined) throw new Error('The attackers failed.', { cause: failure });
    },
    [Symbol.asyncDispose]: async () => {
      await worker.terminate();
    },
  };
}

async function runAttacks(port: NonNullable<typeof parentPort>): Promise<void> {
  const { target, names } = workerData as { target: Target; names: AttackName[] };
  const outcomes: Record<string, Record<string, number>> = {};
  setInterval(() => port.postMessage(outcomes), 500);
  await Promise.all(
    names.map((name) => {
      const counts: Record<string, number> = (outcomes[name] = {});
      const note = (outcome: string): void => {
        counts[outcome] = (counts[outcome] ?? 0) + 1;
      };
      return attacks[name]({ ...target, note });
    }),
  );
}

if (parentPort !== null && workerData !== null) await runAttacks(parentPort);
