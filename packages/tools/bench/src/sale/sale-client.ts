import { setTimeout as delay } from 'node:timers/promises';
import { deadlineFactor } from '@ticketing/testkit';
import { Agent } from 'undici';
import type { SaleEnd } from './sale-end.ts';
import type { SaleLog } from './sale-log.ts';

/** To one process of a service: above what waits for it, so that no request waits here instead. */
const connections = 1_000;
const answerTimeoutMs = 30_000;
/** A buyer gives a request up that has surely had no effect for this time; he comes again. */
const patienceMs = 10_000;
/** An outcome that is still unknown after this time is a finding. */
const unknownPatienceMs = 120_000 * deadlineFactor();
/** After no answer at all; the next attempt goes to the next process. */
const pauseWithoutAnswerMs = 100;
const longestPauseMs = 8_000;
/** As a gateway does, the client leaves a process out for this time after its connection failed. */
const leftOutMs = 1_000;

export interface SaleRequest {
  /** In the log: "hold", "confirm", "release". */
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly buyer: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface SaleAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export type Outcome =
  | { readonly kind: 'done'; readonly body: Readonly<Record<string, unknown>> }
  | { readonly kind: 'refused'; readonly code: string }
  /** After many attempts that surely had no effect. */
  | { readonly kind: 'given up' }
  /** After many attempts of which one may have had an effect. */
  | { readonly kind: 'unknown' };

/** Errors of a connection that never was. */
const neverSent = new Set(['ECONNREFUSED', 'UND_ERR_CONNECT_TIMEOUT']);

/** Codes that say "not this seat": the buyer clicks another one, although SEAT_LOCKED may be sent again. */
const refusals = new Set(['SEAT_TAKEN', 'SEAT_LOCKED']);

/** Sends the requests of all buyers to the processes of a service in turn, as a gateway does. */
export class SaleClient {
  readonly #agent = new Agent({ connections, headersTimeout: answerTimeoutMs, bodyTimeout: answerTimeoutMs });
  readonly #log: SaleLog;
  readonly #end: SaleEnd;
  /** When the last connection to a process failed. */
  readonly #failedAt = new Map<string, number>();
  #turn = 0;

  constructor(log: SaleLog, end: SaleEnd) {
    this.#log = log;
    this.#end = end;
  }

  nextOf(urls: readonly string[]): string {
    const since = performance.now() - leftOutMs;
    const alive = urls.filter((url) => (this.#failedAt.get(url) ?? Number.NEGATIVE_INFINITY) < since);
    const candidates = alive.length === 0 ? urls : alive;
    this.#turn += 1;
    return candidates[this.#turn % candidates.length]!;
  }

  /** @throws the error of the connection */
  async send(origin: string, request: SaleRequest): Promise<SaleAnswer> {
    try {
      return await this.#exchange(origin, request);
    } catch (error) {
      this.#failedAt.set(origin, performance.now());
      throw error;
    }
  }

  async #exchange(origin: string, request: SaleRequest): Promise<SaleAnswer> {
    const { method, path, buyer, headers, body } = request;
    const answer = await this.#agent.request({
      origin,
      method,
      path,
      headers: {
        ...headers,
        'x-forwarded-for': addressOf(buyer),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      body: body ?? null,
    });
    const bytes = Buffer.from(await answer.body.arrayBuffer());
    return { status: answer.statusCode, headers: answer.headers, body: bytes };
  }

  /**
   * Sends a request with an idempotency key, and sends it again under the same key until its outcome is known, as a good
   * client does.
   */
  async insist(urls: readonly string[], request: SaleRequest, key: string): Promise<Outcome> {
    const headers = { ...request.headers, 'idempotency-key': key };
    const startedAt = performance.now();
    let maybeDone = '';
    const mayGoOn = () => {
      const limitMs = maybeDone === '' ? patienceMs : unknownPatienceMs;
      return performance.now() - startedAt < limitMs && (maybeDone !== '' || !this.#end.hasCome);
    };
    for (let attempt = 1; attempt === 1 || mayGoOn(); attempt += 1) {
      if (attempt > 1) this.#log.count('sentAgain');
      const sentAt = performance.now();
      const answer = await this.send(this.nextOf(urls), { ...request, headers }).catch(codeOf);
      const record = (what: string): string => {
        this.#log.answered(`${request.name} ${what}`, performance.now() - sentAt);
        return `${request.name} ${what}`;
      };
      if (typeof answer === 'string') {
        const what = record(`without answer (${answer})`);
        if (!neverSent.has(answer)) maybeDone = what;
        await delay(backOff(pauseWithoutAnswerMs, attempt));
        continue;
      }
      const body = JSON.parse(answer.body.toString()) as Record<string, unknown>;
      if (answer.status < 300) {
        const isReplay = answer.headers['idempotency-replayed'] !== undefined;
        record(`${answer.status}${isReplay ? ' (replay)' : ''}`);
        return { kind: 'done', body };
      }
      const code = String(body['code']);
      const isUnknown = body['outcome'] === 'unknown';
      const what = record(`${code}${isUnknown ? ' (unknown)' : ''}`);
      if (isUnknown) maybeDone = what;
      const isFinal = body['retryable'] !== true && !isUnknown;
      if (refusals.has(code) || isFinal) return { kind: 'refused', code };
      const pauseMs = backOff(Number(answer.headers['retry-after'] ?? 1) * 1_000, attempt);
      await (maybeDone === '' ? this.#end.pause(pauseMs) : delay(pauseMs));
    }
    if (maybeDone === '') return { kind: 'given up' };
    this.#log.failures.push(`buyer ${request.buyer} does not know the outcome: ${maybeDone}`);
    return { kind: 'unknown' };
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

/** Each buyer has an address of its own, so that the limits count as they do behind a gateway. */
function addressOf(buyer: number): string {
  return `10.${buyer >> 16}.${(buyer >> 8) & 255}.${buyer & 255}`;
}

function codeOf(error: unknown): string {
  const { code, message } = error as { readonly code?: string; readonly message?: string };
  return code ?? message ?? String(error);
}

/** Twice as long after each attempt, and not at the same moment for all who were refused together. */
function backOff(firstMs: number, attempt: number): number {
  return Math.min(longestPauseMs, firstMs * 2 ** (attempt - 1)) * (0.5 + Math.random());
}
