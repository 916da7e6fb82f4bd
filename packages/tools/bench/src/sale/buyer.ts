import { zipfRank } from '../load/scripts.ts';
import type { Outcome, SaleClient } from './sale-client.ts';
import type { SaleEnd } from './sale-end.ts';
import type { Acknowledgement, SaleLog } from './sale-log.ts';
import { clicksPerVisit, payingShare, releasingShare, type Pause, type SaleSize } from './sale-size.ts';
import type { SeatMapCopies, ShownSeats } from './seat-map-copies.ts';

const taken = ['SEAT_TAKEN', 'SEAT_LOCKED'];
/** A hold may end before its buyer acts: after an outage, or when the service was slow. */
const endedHold = ['BOOKING_EXPIRED', 'BOOKING_NOT_PENDING'];

/** What all buyers of a sale share. */
export interface Sale {
  readonly size: SaleSize;
  readonly bookingUrls: readonly string[];
  readonly paymentUrls: readonly string[];
  readonly client: SaleClient;
  readonly maps: SeatMapCopies;
  readonly log: SaleLog;
  /** Everything is sold, or the time is up. */
  readonly end: SaleEnd;
  /** Called after each acknowledged confirmation. */
  readonly onSold: () => void;
}

/** One buyer: looks, chooses, holds, pays or not, and comes again while there are seats and he has none. */
export class Buyer {
  readonly #sale: Sale;
  readonly #number: number;
  readonly #userId: string;
  #requests = 0;

  constructor(sale: Sale, number: number) {
    this.#sale = sale;
    this.#number = number;
    this.#userId = `buyer-${number}`;
  }

  async buy(): Promise<void> {
    const { end, log, size } = this.#sale;
    const { pauses } = size;
    await this.#pause([0, size.arrivalMs]);
    if (end.hasCome) return;
    log.count('arrived');
    while (!end.hasCome) {
      const shown = await this.#look();
      if (shown?.isSoldOut === true) end.come();
      if (shown === undefined || shown.free.length === 0) {
        await this.#pause(shown === undefined ? pauses.returning : pauses.waiting);
        continue;
      }
      await this.#pause(pauses.choosing);
      if (end.hasCome) return;
      const hold = await this.#clickUntilHeld(shown);
      if (hold !== undefined && (await this.#useHold(hold))) return;
      await this.#pause(pauses.returning);
    }
  }

  async #look(): Promise<ShownSeats | undefined> {
    return this.#sale.maps.look(this.#sale.bookingUrls, this.#number);
  }

  /** Clicks seats until one is held, and looks at the map anew after each refusal. A click follows without a pause. */
  async #clickUntilHeld(shown: ShownSeats): Promise<Acknowledgement | undefined> {
    const { log } = this.#sale;
    const clickedAt = performance.now();
    const refused = new Set<string>();
    let latest = shown;
    for (let click = 1; click <= clicksPerVisit; click += 1) {
      const seatId = choose(latest.free, refused);
      if (seatId === undefined) break;
      const outcome = await this.#hold(seatId);
      if (outcome.kind === 'done') {
        log.seatMs.push(performance.now() - clickedAt);
        log.count('held');
        const hold = { bookingId: String(outcome.body['id']), seatId, userId: this.#userId };
        log.holds.push(hold);
        return hold;
      }
      if (outcome.kind !== 'refused') break;
      log.count('refused');
      refused.add(seatId);
      latest = (await this.#look()) ?? latest;
    }
    log.count('leftWithoutSeat');
    return undefined;
  }

  /** @returns whether the buyer is done, with a paid seat or an unknown outcome */
  async #useHold(hold: Acknowledgement): Promise<boolean> {
    const { log, size } = this.#sale;
    const chance = Math.random();
    if (chance >= payingShare + releasingShare) {
      log.count('lapsed');
      await this.#pause([size.holdSeconds * 1_000, size.holdSeconds * 1_000]);
      return false;
    }
    await this.#pause(size.pauses.paying);
    return chance < payingShare ? this.#pay(hold) : this.#release(hold);
  }

  async #pay(hold: Acknowledgement): Promise<boolean> {
    const { log, onSold } = this.#sale;
    const path = `/api/v1/payment/${hold.bookingId}/confirm`;
    const { kind } = await this.#insist('confirm', 'POST', path, endedHold);
    if (kind !== 'done') return kind === 'unknown';
    log.confirmations.push(hold);
    log.count('confirmed');
    onSold();
    return true;
  }

  async #release(hold: Acknowledgement): Promise<boolean> {
    const { log } = this.#sale;
    const path = `/api/v1/booking/${hold.bookingId}`;
    const { kind } = await this.#insist('release', 'DELETE', path, endedHold);
    if (kind === 'done') {
      log.releases.push(hold);
      log.count('released');
    }
    return kind === 'unknown';
  }

  async #hold(seatId: string): Promise<Outcome> {
    const body = JSON.stringify({ seatId, userId: this.#userId });
    return this.#insist('hold', 'POST', '/api/v1/booking', taken, body);
  }

  /** @param refusals the codes that this request may be refused with; any other is a failure of the sale */
  async #insist(
    name: 'hold' | 'confirm' | 'release',
    method: 'POST' | 'DELETE',
    path: string,
    refusals: readonly string[],
    body?: string,
  ): Promise<Outcome> {
    const { client, bookingUrls, paymentUrls, log } = this.#sale;
    this.#requests += 1;
    const key = `${this.#userId}/${this.#requests}`;
    const request = { name, method, path, buyer: this.#number, ...(body !== undefined && { body }) };
    const outcome = await client.insist(name === 'confirm' ? paymentUrls : bookingUrls, request, key);
    if (outcome.kind === 'unknown') log.unresolvedUsers.add(this.#userId);
    if (outcome.kind === 'refused' && !refusals.includes(outcome.code))
      log.failures.push(`${name} of ${this.#userId}: ${outcome.code}`);
    return outcome;
  }

  async #pause([from, to]: Pause): Promise<void> {
    await this.#sale.end.pause(from + Math.random() * (to - from));
  }
}

/** By Zipf's law among the seats that the map shows free: nearly all buyers want the first rows. */
function choose(free: readonly string[], refused: ReadonlySet<string>): string | undefined {
  for (let rank = zipfRank(free.length); rank < free.length; rank += 1) {
    const seatId = free[rank]!;
    if (!refused.has(seatId)) return seatId;
  }
  return free.find((seatId) => !refused.has(seatId));
}
