import type { Finding } from '../history.ts';
import type { Evidence } from './evidence.ts';

/** Whatever fails, each request is answered by a fault that somebody thought of. */
export function checkUnforeseen({ operations }: Evidence): Finding[] {
  return operations.flatMap(({ id, kind, member, result }) =>
    result.kind === 'unknown' && result.code === 'INTERNAL'
      ? [{ check: 'nothing-unforeseen', detail: `${kind} ${id} was answered ${result.why} by ${member}` }]
      : [],
  );
}
