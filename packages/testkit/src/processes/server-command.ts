import { StackError } from '../stack-error.ts';
import { findExecutable } from './find-executable.ts';
import { canReach, type ServerAccount } from './server-account.ts';

export interface ServerCommandOptions {
  /** The account to switch to; undefined keeps ours. */
  readonly account?: ServerAccount | undefined;
  /** Paths that the program must be able to open. */
  readonly reaches?: readonly string[];
  /** The kernel sends it when our process dies (kill -9): no server is left. Linux only. */
  readonly parentDeathSignal?: NodeJS.Signals;
}

/**
 * Wraps a command with setpriv, which replaces itself with the command: the process id is the server's. Only where the
 * account cannot reach a path, as in a checkout below a closed home folder, it gets the right to enter closed folders.
 */
export function serverCommand(command: readonly string[], options: ServerCommandOptions): string[] {
  const { account, reaches = [], parentDeathSignal } = options;
  const setpriv = process.platform === 'linux' ? findExecutable('setpriv') : undefined;
  if (setpriv === undefined) {
    if (account === undefined) return [...command];
    throw new StackError(
      `Started as root, the servers run as ${account.name} by way of setpriv (package util-linux), which this machine lacks. Install it or start as an ordinary user.`,
    );
  }
  const wrapper = [setpriv];
  if (account !== undefined) {
    wrapper.push(`--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups');
    if (!reaches.every((path) => canReach(account, path))) {
      // Without no_setuid_fixup access(2), by which PostgreSQL looks for its own programs, ignores the capability.
      wrapper.push('--inh-caps=+dac_override', '--ambient-caps=+dac_override');
      wrapper.push('--securebits=+no_setuid_fixup');
    }
  }
  if (parentDeathSignal !== undefined) wrapper.push(`--pdeathsig=${parentDeathSignal.slice('SIG'.length)}`);
  return wrapper.length === 1 ? [...command] : [...wrapper, '--', ...command];
}
