import type { Member } from '../cluster/member.ts';
import type { Finding } from '../history.ts';

/** @returns a function that finds the processes that have ended since without a fault that killed them */
export function watchDeaths(members: readonly Pick<Member, 'deaths'>[]): () => Finding[] {
  const before = members.map(({ deaths }) => deaths.length);
  return () =>
    members.flatMap(({ deaths }, index) =>
      deaths.slice(before[index]).map((detail) => ({ check: 'no-process-dies', detail })),
    );
}
