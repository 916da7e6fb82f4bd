import { provesRollback } from './error-mapping.ts';
import { SeatCoreError } from '../errors.ts';

export interface GroupCommitOptions<Request, Outcome> {
  /** Decides a batch in one transaction. @returns one outcome per request, in their order */
  readonly commit: (batch: readonly Request[]) => Promise<readonly Outcome[]>;
  /** Told the size of each batch that is committed. */
  readonly onBatch?: (size: number) => void;
}

/** A batch costs PostgreSQL one flush to disk and little more per member; beyond this, gains are small. */
const maxBatch = 64;
/** A second commit beside the one under way is for a crowd that fills it; fewer gain more by sharing the next. */
const maxInFlight = 2;
/** What a request may wait before it is tried; with what comes after, it is answered within its 2 s. */
const maxWaitMs = 400;
/** What has waited longer has no time left to be tried alone after its batch was rolled back. */
const maxWaitForSecondTryMs = 800;
/** So much may always wait, whatever the rate was: an idle engine has none. */
const alwaysWaiting = 16 * maxBatch;
const rateWindowMs = 1_000;

interface Waiting<Request, Outcome> {
  readonly request: Request;
  readonly since: number;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Requests that arrive together, or while a commit is under way, share one: one statement, one flush to disk for
 * up to 64 of them. There is no timer: a lone request is committed at once. Known as group commit since
 * DeWitt et al., "Implementation techniques for main memory database systems" (1984).
 *
 * What of two members that want the same thing happens is the statement's to say.
 *
 * A batch whose error proves that it was rolled back is tried again one by one, once, so that one poisoned request
 * does not fail its neighbours. Any other error is everybody's: whether it was committed is not known.
 */
export class GroupCommit<Request, Outcome> {
  readonly #options: GroupCommitOptions<Request, Outcome>;
  readonly #waiting: Waiting<Request, Outcome>[] = [];
  #inFlight = 0;
  #isStarting = false;
  #window = { startedAt: 0, decided: 0, ratePerMs: 0 };

  constructor(options: GroupCommitOptions<Request, Outcome>) {
    this.#options = options;
  }

  /** @throws OVERLOADED when it could not be tried in time; whatever `commit` throws */
  async submit(request: Request): Promise<Outcome> {
    if (this.#waiting.length >= this.#mostWaiting()) throw overloaded();
    return new Promise<Outcome>((resolve, reject) => {
      this.#waiting.push({ request, since: performance.now(), resolve, reject });
      this.#startSoon();
    });
  }

  /** When this turn of the event loop has brought all that it brings: what comes together goes together. */
  #startSoon(): void {
    if (this.#isStarting) return;
    this.#isStarting = true;
    setImmediate(() => {
      this.#isStarting = false;
      this.#startBatches();
    });
  }

  #startBatches(): void {
    while (this.#inFlight === 0 || (this.#inFlight < maxInFlight && this.#waiting.length >= maxBatch)) {
      const batch = this.#takeBatch();
      if (batch.length === 0) return;
      this.#inFlight += 1;
      void this.#run(batch).then(() => {
        this.#inFlight -= 1;
        this.#countDecided(batch.length);
        this.#startSoon();
      });
    }
  }

  /** The oldest; what waited too long is refused on the way. */
  #takeBatch(): Waiting<Request, Outcome>[] {
    const oldest = performance.now() - maxWaitMs;
    const inTime = this.#waiting.findIndex((member) => member.since >= oldest);
    const late = this.#waiting.splice(0, inTime === -1 ? this.#waiting.length : inTime);
    for (const member of late) member.reject(overloaded());
    return this.#waiting.splice(0, maxBatch);
  }

  /** Settles every member; never rejects. */
  async #run(batch: readonly Waiting<Request, Outcome>[]): Promise<void> {
    try {
      await this.#commit(batch);
    } catch (error) {
      const isWorthSplitting = batch.length > 1 && provesRollback(error);
      if (!isWorthSplitting) {
        for (const member of batch) member.reject(error);
        return;
      }
      for (const member of batch) {
        if (performance.now() - member.since > maxWaitForSecondTryMs) member.reject(error);
        else await this.#commit([member]).catch(member.reject);
      }
    }
  }

  async #commit(batch: readonly Waiting<Request, Outcome>[]): Promise<void> {
    const outcomes = await this.#options.commit(batch.map((member) => member.request));
    this.#options.onBatch?.(batch.length);
    if (outcomes.length !== batch.length)
      throw new Error(`${batch.length} requests, ${outcomes.length} outcomes`);
    for (const [index, member] of batch.entries()) member.resolve(outcomes[index]!);
  }

  /** As many as are decided while one of them may wait, at the rate of the last second. */
  #mostWaiting(): number {
    const isRecent = performance.now() - this.#window.startedAt < 2 * rateWindowMs;
    return Math.max(alwaysWaiting, isRecent ? this.#window.ratePerMs * maxWaitMs : 0);
  }

  #countDecided(count: number): void {
    const now = performance.now();
    const elapsedMs = now - this.#window.startedAt;
    if (elapsedMs < rateWindowMs) {
      this.#window.decided += count;
    } else {
      const ratePerMs = elapsedMs < 2 * rateWindowMs ? this.#window.decided / elapsedMs : 0;
      this.#window = { startedAt: now, decided: count, ratePerMs };
    }
  }
}

function overloaded(): SeatCoreError {
  return new SeatCoreError('OVERLOADED', 'more is waiting than can be decided in time');
}
