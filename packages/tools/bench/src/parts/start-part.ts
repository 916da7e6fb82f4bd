import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { PartMessage } from './part-messages.ts';

/** The programs that the bench runs as processes of their own, so that each has its own CPU time. */
const entries = {
  'load-generator': 'load/load-generator.js',
  'live-viewers': 'load/live-viewers.js',
  'statement-clients': 'yardsticks/statement-clients.js',
  'page-service': 'yardsticks/page-service.js',
  'bare-service': 'yardsticks/bare-service.js',
} as const;

export interface Part extends AsyncDisposable {
  readonly pid: number;
  /** Ends the window of a load before its time. */
  readonly end: () => void;
  /** The first message of this kind, whenever it comes. @throws when the part fails, or ends without it */
  readonly told: <Kind extends PartMessage['kind']>(
    kind: Kind,
  ) => Promise<Extract<PartMessage, { readonly kind: Kind }>>;
}

/** @param folder the one it is known to belong to, should it be left over */
export function startPart(name: keyof typeof entries, job: unknown, folder: string): Part {
  // Of the build, also when this is run from its source.
  const entry = new URL(`../../dist/${entries[name]}`, import.meta.url);
  const child = fork(entry, [`--stack=${folder}`], { execArgv: [], serialization: 'advanced' });
  const messages: PartMessage[] = [];
  const listeners = new Set<() => void>();
  let failure: string | undefined;
  const notice = () => {
    for (const listener of listeners) listener();
  };
  child.on('message', (message) => {
    const told = message as PartMessage;
    messages.push(told);
    if (told.kind === 'failed') failure ??= told.reason;
    notice();
  });
  child.once('error', (error) => {
    failure ??= error.message;
    notice();
  });
  child.once('exit', (code, signal) => {
    failure ??= `it ended with ${signal ?? code}`;
    notice();
  });
  child.send(job as object);
  return {
    pid: child.pid ?? -1,
    end: () => void child.send('end'),
    told: async (kind) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = messages.find((message) => message.kind === kind);
          if (found === undefined && failure === undefined) return;
          listeners.delete(look);
          if (found === undefined) reject(new Error(`${name}: ${failure}`));
          else resolve(found as Extract<PartMessage, { readonly kind: typeof kind }>);
        };
        listeners.add(look);
        look();
      }),
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}
