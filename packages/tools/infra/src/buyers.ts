import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

export interface Purchase {
  readonly seatId: string;
  readonly bookingId: string;
}

export interface BuyersOptions {
  readonly size: number;
  /** The services that they call: the first buyer the first, and so on in turn. */
  readonly ways: readonly {
    /** Of the gateway, or of booking-api. */
    readonly url: string;
    /** Of payment-api where there is no gateway. */
    readonly paymentUrl?: string;
  }[];
  /** The next seat to buy; undefined ends the buying. */
  readonly nextSeat: () => string | undefined;
  /** Whether the buyer pays for the seat that is held; default always. */
  readonly pays?: () => boolean;
  /** Between one seat and the next. */
  readonly pauseMs?: number;
}

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

const tries = 12;
const retryPauseMs = 250;

/**
 * Buyers at once, each with an address of its own: the gateway would limit one address. Each buys one seat after the
 * other, as another user each time: holds it, pays, and sends a request again, under the same key, while the answer is
 * retryable.
 */
export class Buyers {
  /** The purchases that were acknowledged. */
  readonly purchases: Purchase[] = [];
  /** Requests that ended without an answer, or in one that is neither good nor retryable. */
  readonly failures: string[] = [];
  /** The codes of answers after which the same request was sent again. */
  readonly retries: string[] = [];
  readonly #options: BuyersOptions;

  constructor(options: BuyersOptions) {
    this.#options = options;
  }

  get sold(): number {
    return this.purchases.length;
  }

  /** Buys until the signal, or until there is no seat left to try. */
  async buy(stopping: AbortSignal = new AbortController().signal): Promise<void> {
    const { size, nextSeat, pauseMs = 0 } = this.#options;
    const buyOnes = async (buyer: number): Promise<void> => {
      while (!stopping.aborted) {
        const seatId = nextSeat();
        if (seatId === undefined) return;
        await this.#buySeat(buyer, seatId);
        if (pauseMs > 0) await delay(pauseMs);
      }
    };
    await Promise.all(Array.from({ length: size }, (_, buyer) => buyOnes(buyer)));
  }

  async #buySeat(buyer: number, seatId: string): Promise<void> {
    const { ways, pays = () => true } = this.#options;
    const { url, paymentUrl = url } = ways[buyer % ways.length]!;
    const address = `203.0.113.${buyer}`;
    const held = await this.#post(`${url}/api/v1/booking`, address, { seatId, userId: randomUUID() });
    if (held?.status !== 201 || !pays()) return;
    const bookingId = String(held.body['id']);
    const paid = await this.#post(`${paymentUrl}/api/v1/payment/${bookingId}/confirm`, address);
    if (paid?.status === 200) this.purchases.push({ seatId, bookingId });
  }

  /** @returns the good answer; undefined when the request failed for good */
  async #post(url: string, address: string, json?: object): Promise<Answer | undefined> {
    const headers = {
      'idempotency-key': randomUUID(),
      // As a balancer in front of the gateway would write it.
      'x-forwarded-for': address,
      ...(json && { 'content-type': 'application/json' }),
    };
    const init = { method: 'POST', headers, ...(json && { body: JSON.stringify(json) }) };
    for (let attempt = 1; attempt <= tries; attempt += 1) {
      const answer = await send(url, init);
      if (answer.status >= 200 && answer.status < 300) return answer;
      const { code, retryable, outcome } = answer.body;
      if (retryable !== true) {
        this.failures.push(`${url}: ${answer.status} ${JSON.stringify(answer.body)}`);
        return undefined;
      }
      this.retries.push(`${String(code)}${outcome === 'unknown' ? ' (unknown)' : ''}`);
      await delay(retryPauseMs);
    }
    this.failures.push(`${url}: not done after ${tries} tries`);
    return undefined;
  }
}

async function send(url: string, init: RequestInit): Promise<Answer> {
  try {
    const response = await fetch(url, init);
    return { status: response.status, body: (await response.json()) as Answer['body'] };
  } catch (error) {
    // The gateway itself is always there: no answer from it is a failure like any other.
    const cause = error instanceof Error ? error.cause : undefined;
    return { status: 0, body: { code: `no answer: ${String(error)} ${String(cause)}` } };
  }
}
