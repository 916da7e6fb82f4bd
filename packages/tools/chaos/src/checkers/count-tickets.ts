import { setTimeout as delay } from 'node:timers/promises';
import type { Member } from '../cluster/member.ts';

const everyMs = 200;

export interface TicketCount {
  /** @returns how many tickets the counters have counted since the start, over all lives of the processes */
  readonly read: () => Promise<number>;
  readonly stop: () => Promise<void>;
}

/** Follows `tickets_sold_total` of processes that a fault may kill between two reads. */
export async function countTickets(members: readonly Member[]): Promise<TicketCount> {
  const seen = new Map<string, number>();
  const stopping = new AbortController();
  const sum = async (): Promise<number> => {
    await Promise.allSettled(
      members.map(async ({ url, label }) => {
        const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(1_000) });
        const text = await response.text();
        const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
        // Each life of a process counts from zero.
        seen.set(`${label} ${value('process_start_time_seconds')}`, value('tickets_sold_total'));
      }),
    );
    return [...seen.values()].reduce((total, value) => total + value, 0);
  };
  const before = await sum();
  const watch = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await delay(everyMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      await sum();
    }
  };
  const watching = watch();
  return {
    read: async () => (await sum()) - before,
    stop: async () => {
      stopping.abort();
      await watching;
    },
  };
}
