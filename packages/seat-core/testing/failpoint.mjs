/*
 * Replaces src/failpoint.ts under the import condition `failpoints`. FAILPOINT=name kills the process when it reaches
 * that point the first time, FAILPOINT=name:3 the third time: at once, like a crash. With FAILPOINT_SIGNAL=SIGSTOP the
 * process stops there instead, until SIGCONT.
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
