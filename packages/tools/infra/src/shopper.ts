import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

export interface Purchase {
  readonly seatId: string;
  readonly bookingId: string;
}

export interface ShopperOptions {
  /** Of the gateway, or of booking-api. */
  readonly url: string;
  /** Of payment-api where there is no gateway. */
  readonly paymentUrl?: string;
  /** As a balancer in front of the gateway would tell it. */
  readonly address: string;
  /** The next seat to buy; undefined when all have been given out. */
  readonly nextSeat: () => string | undefined;
  /** Whether the buyer pays for what is held; by default always. */
  readonly pays?: () => boolean;
  /** Between one seat and the next. */
  readonly pauseMs?: number;
}

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What a patient buyer does: a key with each request, and the same request again while the answer is retryable. */
const tries = 12;
const pauseMs = 250;

/** Buys one seat after the other, each as another user: holds, pays, and remembers only what was acknowledged. */
export class Shopper {
  readonly purchases: Purchase[] = [];
  /** What ended in an answer that was neither good nor retryable, or in none. */
  readonly failures: string[] = [];
  /** The codes of answers after which the same request was sent again. */
  readonly retries: string[] = [];
  readonly #options: ShopperOptions;

  constructor(options: ShopperOptions) {
    this.#options = options;
  }

  async shop(stopping: AbortSignal): Promise<void> {
    while (!stopping.aborted) {
      const seatId = this.#options.nextSeat();
      if (seatId === undefined) return;
      await this.#buy(seatId);
      const { pauseMs: rest = 0 } = this.#options;
      if (rest > 0) await delay(rest);
    }
  }

  async #buy(seatId: string): Promise<void> {
    const { url, paymentUrl = url, pays = () => true } = this.#options;
    const held = await this.#persist(`${url}/api/v1/booking`, { seatId, userId: randomUUID() });
    if (held?.status !== 201 || !pays()) return;
    const bookingId = String(held.body['id']);
    const paid = await this.#persist(`${paymentUrl}/api/v1/payment/${bookingId}/confirm`);
    if (paid?.status === 200) this.purchases.push({ seatId, bookingId });
  }

  async #persist(url: string, json?: object): Promise<Answer | undefined> {
    const key = randomUUID();
    for (let attempt = 1; attempt <= tries; attempt += 1) {
      const answer = await this.#send(url, key, json);
      if (answer.status >= 200 && answer.status < 300) return answer;
      const { code, retryable } = answer.body;
      if (retryable !== true) {
        this.failures.push(`${url}: ${answer.status} ${JSON.stringify(answer.body)}`);
        return undefined;
      }
      this.retries.push(`${String(code)}${answer.body['outcome'] === 'unknown' ? ' (unknown)' : ''}`);
      await delay(pauseMs);
    }
    this.failures.push(`${url}: not done after ${tries} tries`);
    return undefined;
  }

  async #send(url: string, key: string, json: object | undefined): Promise<Answer> {
    const headers: Record<string, string> = {
      'idempotency-key': key,
      'x-forwarded-for': this.#options.address,
    };
    if (json !== undefined) headers['content-type'] = 'application/json';
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers,
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      });
      return { status: response.status, body: (await response.json()) as Answer['body'] };
    } catch (error) {
      // The gateway itself was always there: that it does not answer is a failure like any other.
      const cause = error instanceof Error ? error.cause : undefined;
      return { status: 0, body: { code: `no answer: ${String(error)} ${String(cause)}` } };
    }
  }
}
