import { fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import type { LoadMessage } from '../load/load-meter.ts';

/** The programs of the bench that run as processes of their own, so that each has its own CPU time. */
const entries = {
  'load-generator': 'load/load-generator.js',
  'live-subscribers': 'load/live-subscribers.js',
  'statement-clients': 'yardsticks/statement-clients.js',
  'steps-service': 'yardsticks/steps-service.js',
  'bare-service': 'yardsticks/bare-service.js',
} as const;

export type ChildMessage =
  | LoadMessage
  | { readonly kind: 'listening'; readonly url: string }
  | { readonly kind: 'failed'; readonly reason: string };

type MessageOf<Kind> = Extract<ChildMessage, { readonly kind: Kind }>;

export interface Child extends AsyncDisposable {
  readonly pid: number;
  /** Ends the window of a load before its time. */
  readonly end: () => void;
  /** The first message of this kind, past or to come. @throws when the child fails, or exits without it */
  readonly message: <Kind extends ChildMessage['kind']>(kind: Kind) => Promise<MessageOf<Kind>>;
}

/** The child's side: works on the job that the bench sends, and exits with the bench. */
export function runChild(work: (job: unknown, send: (message: ChildMessage) => void) => Promise<void>): void {
  const send = (message: ChildMessage) => void process.send?.(message);
  process.once('disconnect', () => process.exit());
  process.once('message', (job) => {
    work(job, send).catch((error: unknown) => {
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      send({ kind: 'failed', reason });
    });
  });
}

/** @param folder of the run; a left-over child is recognized by it */
export function startChild(name: keyof typeof entries, job: object, folder: string): Child {
  // Of the build, also when the bench itself runs from its sources.
  const entry = new URL(`../../dist/${entries[name]}`, import.meta.url);
  const child = fork(entry, [`--stack=${folder}`], { execArgv: [], serialization: 'advanced' });
  const messages = new Map<string, ChildMessage>();
  const updates = new EventEmitter().setMaxListeners(0);
  let failure: string | undefined;
  const update = (reason?: string) => {
    failure ??= reason;
    updates.emit('update');
  };
  child.on('message', (received) => {
    const message = received as ChildMessage;
    if (!messages.has(message.kind)) messages.set(message.kind, message);
    update(message.kind === 'failed' ? message.reason : undefined);
  });
  child.once('error', ({ message }) => update(message));
  child.once('exit', (code, signal) => update(`it exited with ${signal ?? code}`));
  child.send(job);
  return {
    pid: child.pid ?? -1,
    end: () => void child.send('end'),
    message: async <Kind extends ChildMessage['kind']>(kind: Kind) => {
      while (!messages.has(kind)) {
        if (failure !== undefined) throw new Error(`${name}: ${failure}`);
        await once(updates, 'update');
      }
      return messages.get(kind) as MessageOf<Kind>;
    },
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}
