import { SeatCoreError } from '../errors.ts';
import { provesRollback } from './error-mapping.ts';

export interface GroupCommitOptions<Request, Outcome> {
  /** Commits a batch in one transaction. @returns one outcome per request, in their order */
  readonly commit: (batch: readonly Request[]) => Promise<readonly Outcome[]>;
  /** Called with the size of each committed batch. */
  readonly onBatch?: (size: number) => void;
  /** How long after its `since` the commit of a request starts at most. Default 400: with the budgets that follow, the answer comes within 2 s. */
  readonly maxWaitMs?: number;
}

/** A batch costs PostgreSQL one flush to disk and little more per member; beyond this, gains are small. */
const maxBatch = 64;
/** A second commit runs beside the first only when a full batch waits; fewer requests gain more by sharing the next commit. */
const maxInFlight = 2;
const defaultMaxWaitMs = 400;
/** The second try of a request after its batch was rolled back starts this late at most: its answer comes within 2 s. */
export const secondTryWithinMs = 1_300;
/** Second tries at a time: those that wait for a lock again must not use up the time of the others. */
const secondTriesAtOnce = 4;
/**
 * After a commit of several requests the next one waits this share of that commit's time for more requests: fewer and larger
 * commits leave a full machine more time, so that their callers wait no longer. A lone caller never waits for others.
 */
const gatherShare = 0.8;
const longestGatherMs = 10;
/** So many requests wait for no more. */
const enough = maxBatch / 2;
/** So many requests may always wait, whatever the recent rate: an idle engine has none. */
const alwaysWaiting = 16 * maxBatch;
const rateWindowMs = 1_000;

interface Waiting<Request, Outcome> {
  readonly request: Request;
  readonly since: number;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Requests that arrive together, or while a commit is under way, share one commit: one statement, one flush to disk
 * for up to 64 requests. A lone request is committed at once.
 *
 * The statement decides between two requests of a batch that want the same seat. A batch whose error proves a
 * rollback is tried again one by one, once: each request gets the error that it causes itself, or OVERLOADED when its time
 * is over before its turn. Any other error goes to every request of the batch: whether it was committed is unknown.
 *
 * @see DeWitt et al., "Implementation techniques for main memory database systems" (1984): group commit
 */
export class GroupCommit<Request, Outcome> {
  readonly #options: GroupCommitOptions<Request, Outcome>;
  readonly #maxWaitMs: number;
  readonly #waiting: Waiting<Request, Outcome>[] = [];
  #inFlight = 0;
  #isStarting = false;
  /** Set while more requests are waited for. */
  #gathering: NodeJS.Timeout | undefined;
  #window = { startedAt: 0, committed: 0, ratePerMs: 0 };

  constructor(options: GroupCommitOptions<Request, Outcome>) {
    this.#options = options;
    this.#maxWaitMs = options.maxWaitMs ?? defaultMaxWaitMs;
  }

  /**
   * @param since when the request began, if that was before
   * @throws OVERLOADED when its commit could not start in time; and what `commit` throws because of this request
   */
  async submit(request: Request, since = performance.now()): Promise<Outcome> {
    if (this.#waiting.length >= this.#maxWaiting()) throw overloaded();
    return new Promise<Outcome>((resolve, reject) => {
      this.#waiting.push({ request, since, resolve, reject });
      this.#startSoon();
    });
  }

  /** Waits for the end of this turn of the event loop: requests that arrive together share a commit. */
  #startSoon(): void {
    if (this.#isStarting) return;
    this.#isStarting = true;
    setImmediate(() => {
      this.#isStarting = false;
      this.#startBatches();
    });
  }

  #startBatches(): void {
    if (this.#gathering !== undefined && this.#waiting.length < enough) return;
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    while (this.#inFlight === 0 || (this.#inFlight < maxInFlight && this.#waiting.length >= maxBatch)) {
      const batch = this.#takeBatch();
      if (batch.length === 0) return;
      this.#inFlight += 1;
      const startedAt = performance.now();
      void this.#run(batch).then((isCommitted) => {
        this.#inFlight -= 1;
        this.#countCommitted(batch.length);
        if (isCommitted && batch.length > 1) this.#gather((performance.now() - startedAt) * gatherShare);
        this.#startSoon();
      });
    }
  }

  #gather(ms: number): void {
    clearTimeout(this.#gathering);
    const end = () => {
      this.#gathering = undefined;
      this.#startSoon();
    };
    this.#gathering = setTimeout(end, Math.min(ms, longestGatherMs));
  }

  /** Takes the oldest requests, and refuses those that waited too long. */
  #takeBatch(): Waiting<Request, Outcome>[] {
    const oldest = performance.now() - this.#maxWaitMs;
    const inTime = this.#waiting.findIndex((member) => member.since >= oldest);
    const late = this.#waiting.splice(0, inTime === -1 ? this.#waiting.length : inTime);
    for (const member of late) member.reject(overloaded());
    return this.#waiting.splice(0, maxBatch);
  }

  /**
   * Resolves or rejects every request of the batch, at the latest after its second try; never rejects itself.
   *
   * @returns whether the batch was committed
   */
  async #run(batch: readonly Waiting<Request, Outcome>[]): Promise<boolean> {
    try {
      await this.#commit(batch);
      return true;
    } catch (error) {
      if (batch.length === 1 || !provesRollback(error)) for (const member of batch) member.reject(error);
      // Not awaited: the requests behind this batch do not wait for its locks.
      else void this.#tryEachAlone(batch);
      return false;
    }
  }

  async #tryEachAlone(batch: readonly Waiting<Request, Outcome>[]): Promise<void> {
    const left = [...batch];
    const tryNext = async (): Promise<void> => {
      for (let member = left.shift(); member !== undefined; member = left.shift()) {
        if (performance.now() - member.since > secondTryWithinMs) member.reject(overloaded());
        else await this.#commit([member]).catch(member.reject);
      }
    };
    await Promise.all(Array.from({ length: secondTriesAtOnce }, tryNext));
  }

  async #commit(batch: readonly Waiting<Request, Outcome>[]): Promise<void> {
    const outcomes = await this.#options.commit(batch.map((member) => member.request));
    this.#options.onBatch?.(batch.length);
    if (outcomes.length !== batch.length)
      throw new Error(`${batch.length} requests, ${outcomes.length} outcomes`);
    for (const [index, member] of batch.entries()) member.resolve(outcomes[index]!);
  }

  /** As many as the rate of the last second commits within the longest wait. */
  #maxWaiting(): number {
    const isRecent = performance.now() - this.#window.startedAt < 2 * rateWindowMs;
    return Math.max(alwaysWaiting, isRecent ? this.#window.ratePerMs * this.#maxWaitMs : 0);
  }

  #countCommitted(count: number): void {
    const now = performance.now();
    const elapsedMs = now - this.#window.startedAt;
    if (elapsedMs < rateWindowMs) {
      this.#window.committed += count;
    } else {
      const ratePerMs = elapsedMs < 2 * rateWindowMs ? this.#window.committed / elapsedMs : 0;
      this.#window = { startedAt: now, committed: count, ratePerMs };
    }
  }
}

function overloaded(): SeatCoreError {
  return new SeatCoreError('OVERLOADED', 'more requests wait than can be committed in time');
}
