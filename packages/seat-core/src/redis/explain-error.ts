import { ReplyError } from 'ioredis';
import { DeadlineError } from '../resilience/deadline.ts';

/** Why Redis cannot be used: a state that passes, or a setting that a person must change. */
export interface RedisTrouble {
  readonly status: 'down' | 'misconfigured';
  /** A sentence for an operator; no address, no secret. */
  readonly reason: string;
}

/** Redis is there, and a person must change something before the engine can use it. */
export class RedisSetupError extends Error {
  override readonly name = 'RedisSetupError';
}

export const clusterReason =
  'Redis runs in cluster mode, which is not supported; use a Redis without cluster mode (cluster-enabled no).';

const passing: Readonly<Record<string, string>> = {
  LOADING: 'Redis is loading its data.',
  OOM: 'The memory of Redis is full (maxmemory), so it refuses writes.',
  READONLY: 'Redis is a read-only replica; the URL must lead to its master.',
  MISCONF: 'Redis cannot save its data to disk, so it refuses writes (MISCONF); its log says why.',
  MASTERDOWN: 'Redis is a replica that has lost its master.',
  NOREPLICAS: 'Redis has fewer replicas than min-replicas-to-write, so it refuses writes.',
  BUSY: 'Redis is busy with a script that does not end.',
};

const lasting: Readonly<Record<string, string>> = {
  NOAUTH: 'Redis requires a password, and its URL has none.',
  WRONGPASS: 'Redis refuses the user or the password of its URL (WRONGPASS).',
  DENIED: 'Redis runs in protected mode and refuses this host; give it a password.',
  CROSSSLOT: clusterReason,
  MOVED: clusterReason,
  ASK: clusterReason,
  TRYAGAIN: clusterReason,
  CLUSTERDOWN: clusterReason,
};

const byText: readonly (readonly [RegExp, RedisTrouble])[] = [
  [/cluster mode/i, { status: 'misconfigured', reason: clusterReason }],
  [/max number of clients/i, { status: 'down', reason: 'Redis has too many connections (maxclients).' }],
  [
    /DB index is out of range/i,
    {
      status: 'misconfigured',
      reason: 'Redis has no database of the number in its URL; lower the number or raise "databases".',
    },
  ],
  [
    /invalid password|without any password|wrong number of arguments for 'auth'/i,
    { status: 'misconfigured', reason: lasting['WRONGPASS']! },
  ],
];

const longestQuote = 120;

/** Says what an error of Redis or of its connection means. */
export function explainRedisError(error: unknown): RedisTrouble {
  if (error instanceof RedisSetupError) return { status: 'misconfigured', reason: error.message };
  if (!(error instanceof Error)) return { status: 'down', reason: 'Redis does not answer.' };
  if (error instanceof ReplyError) return explainReply(error);
  if (error instanceof AggregateError && error.errors.length > 0) return explainRedisError(error.errors[0]);
  const { code = '' } = error as NodeJS.ErrnoException;
  if (isTlsCode(code)) {
    return {
      status: 'misconfigured',
      reason: `The TLS handshake with Redis fails (${code}); check the certificate, and whether the URL must begin with redis:// or rediss://.`,
    };
  }
  if (error.name === 'ParserError') {
    return {
      status: 'misconfigured',
      reason:
        'The server of the URL does not speak the protocol of Redis; perhaps it expects TLS (rediss://).',
    };
  }
  if (error instanceof SlowRedisError) return { status: 'down', reason: error.message };
  if (error instanceof DeadlineError || code === '' || code === 'ETIMEDOUT') {
    return { status: 'down', reason: 'Redis does not answer.' };
  }
  if (code === 'EPIPE' || code === 'ECONNRESET') {
    const reason = `Redis ends the connection (${code}): it stops, has too many (maxclients), or expects TLS (rediss://).`;
    return { status: 'down', reason };
  }
  return { status: 'down', reason: `Redis cannot be reached (${code}).` };
}

/** Redis answers, but later than what its answers save. */
export class SlowRedisError extends Error {
  override readonly name = 'SlowRedisError';
}

function explainReply(error: Error): RedisTrouble {
  const [code = ''] = error.message.split(' ', 1);
  const passes = passing[code];
  if (passes !== undefined) return { status: 'down', reason: passes };
  const lasts = lasting[code];
  if (lasts !== undefined) return { status: 'misconfigured', reason: lasts };
  for (const [pattern, trouble] of byText) if (pattern.test(error.message)) return trouble;
  const command = commandOf(error);
  if (isNoPermission(error.message)) {
    return {
      status: 'misconfigured',
      reason: `The Redis user may not run ${command}, or what it needs: other commands, keys, channels (NOPERM).`,
    };
  }
  if (isUnknownCommand(error)) {
    return { status: 'misconfigured', reason: `Redis does not know ${command}: renamed, or disabled.` };
  }
  return {
    status: 'misconfigured',
    reason: `Redis answers ${command} with "${error.message.slice(0, longestQuote)}".`,
  };
}

/** Inside a script the reply has other words. */
export function isNoPermission(reply: string): boolean {
  return /^NOPERM\b|^ERR ACL failure|can't run this command/.test(reply);
}

/** The command that a reply refuses, as an operator writes it. */
export function commandOf(error: unknown): string {
  const name = (error as { readonly command?: { readonly name?: unknown } }).command?.name;
  return typeof name === 'string' ? name.toUpperCase() : 'a command';
}

export function isUnknownCommand(error: unknown): boolean {
  return error instanceof ReplyError && /unknown (redis )?command/i.test((error as Error).message);
}

function isTlsCode(code: string): boolean {
  return /^(EPROTO|ERR_SSL|ERR_TLS|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO)/.test(code);
}

/** Replies about the value of one key; every other reply that refuses work means that Redis cannot do it now. */
const aboutOneKey = /^(WRONGTYPE|NOSCRIPT)\b/;

/** Whether an error means that Redis cannot be used, rather than that it refuses one command for the value of its key. */
export function isRedisRefusal(error: unknown): boolean {
  return error instanceof ReplyError && !aboutOneKey.test((error as Error).message);
}
