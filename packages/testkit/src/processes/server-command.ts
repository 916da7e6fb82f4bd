import { findExecutable } from './find-executable.ts';
import { canReach, type ServerAccount } from './server-account.ts';
import { StackError } from '../stack-error.ts';

export interface ServerCommandOptions {
  /** Whom to become; undefined stays who we are. */
  readonly account: ServerAccount | undefined;
  /** Paths the program must be able to open. */
  readonly reaches: readonly string[];
  /** Sent by the kernel when we die without a word (kill -9), so that no server is left. Linux only. */
  readonly parentDeathSignal?: 'SIGINT' | 'SIGTERM' | 'SIGKILL';
}

/**
 * Wraps a command with setpriv, which replaces itself with the command: the process id stays that of the
 * server. The right to pass closed folders is given only where the account needs it, as in a checkout
 * below a home folder that nobody else may enter.
 */
export function serverCommand(command: readonly string[], options: ServerCommandOptions): string[] {
  const { account } = options;
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
    if (!options.reaches.every((path) => canReach(account, path))) {
      wrapper.push('--inh-caps=+dac_override', '--ambient-caps=+dac_override');
      // access(2), by which PostgreSQL looks for its own programs, else ignores what an ordinary user may.
      wrapper.push('--securebits=+no_setuid_fixup');
    }
  }
  if (options.parentDeathSignal !== undefined) {
    wrapper.push(`--pdeathsig=${options.parentDeathSignal.slice('SIG'.length)}`);
  }
  return wrapper.length === 1 ? [...command] : [...wrapper, '--', ...command];
}
