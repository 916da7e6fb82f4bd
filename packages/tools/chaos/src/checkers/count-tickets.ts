import { setTimeout as delay } from 'node:timers/promises';
import type { Member } from '../cluster/member.ts';

const everyMs = 200;

export interface TicketCount {
  /** Looks at the counters as they are before the run. */
  readonly begin: () => Promise<void>;
  /** @returns what they have counted since, over all lives of the processes, as far as it was seen */
  readonly read: () => Promise<number>;
  readonly stop: () => Promise<void>;
}

/** Follows `tickets_sold_total` of processes that may be killed in between. */
export function countTickets(members: readonly Member[]): TicketCount {
  const seen = new Map<string, number>();
  let before = 0;
  const closing = new AbortController();
  let watching = Promise.resolve();
  const look = async (): Promise<void> => {
    await Promise.allSettled(
      members.map(async ({ url, label }) => {
        const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(1_000) });
        const text = await response.text();
        const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
        seen.set(`${label} ${value('process_start_time_seconds')}`, value('tickets_sold_total'));
      }),
    );
  };
  const sum = () => [...seen.values()].reduce((total, value) => total + value, 0);
  const watch = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await look();
      await delay(everyMs, undefined, { signal: closing.signal }).catch(() => undefined);
    }
  };
  return {
    begin: async () => {
      await look();
      before = sum();
      watching = watch();
    },
    read: async () => {
      await look();
      return sum() - before;
    },
    stop: async () => {
      closing.abort();
      await watching;
    },
  };
}
