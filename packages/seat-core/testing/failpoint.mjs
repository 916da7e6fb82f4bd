/*
 * Stands in for src/failpoint.ts under the import condition `failpoints`. FAILPOINT=name ends the process at
 * the first time that point is reached, FAILPOINT=name:3 at the third: without a word to anybody, as a crash does.
 * With FAILPOINT_SIGNAL=SIGSTOP it falls asleep there instead, until it is sent SIGCONT.
 */

const [wanted, hit = '1'] = (process.env['FAILPOINT'] ?? '').split(':');
const signal = process.env['FAILPOINT_SIGNAL'] ?? 'SIGKILL';
let reached = 0;

/** @param {string} name */
export function failpoint(name) {
  if (name !== wanted) return;
  reached += 1;
  if (reached === Number(hit)) process.kill(process.pid, signal);
}

/** @param {string} name @param {Promise<unknown>} done */
export async function failpointBehind(name, done) {
  if (name !== wanted) return;
  await done;
  failpoint(name);
}
