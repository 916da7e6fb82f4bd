import type { Member } from '../cluster/member.ts';

/**
 * Follows `tickets_sold_total` from now on.
 *
 * @returns a function that reads how many tickets the counters have counted since. The counts of a process that a fault has
 *   killed are lost, so it may be fewer than were sold.
 */
export async function countTickets(members: readonly Member[]): Promise<() => Promise<number>> {
  const seen = new Map<string, number>();
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
  return async () => (await sum()) - before;
}
