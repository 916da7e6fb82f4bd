import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { applyVerb, type Outcome, type Verb } from '../src/model/apply-verb.ts';
import type { World } from '../src/model/world.ts';
import { now } from '../src/clock.ts';
import type { Cluster } from '../src/cluster/cluster.ts';
import { withRedis } from '../src/cluster/stores.ts';
import { bookingOf, type Operation } from '../src/history.ts';
import { sendRequest } from '../src/workload/send-request.ts';

/** The world as it should be, and how its bookings are called in the engine. */
export interface Model {
  world: World;
  readonly startedAt: number;
  readonly holds: { readonly bookingId: string; readonly wish: Wish; readonly text: string }[];
}

interface Wish {
  readonly userId: string;
  readonly seatIds: readonly string[];
  readonly key: string;
}

export interface Real {
  readonly cluster: Cluster;
  readonly seatIds: readonly string[];
  readonly hasKeys: boolean;
}

type Command = fc.AsyncCommand<Model, Real>;

/** Redis may lag behind a deadline by the tick of its own clock. */
const marginMs = 30;
const users = ['ani', 'budi', 'citra'];
let keys = 0;

const statusOf = (operation: Operation): string =>
  operation.result.kind === 'refused' ? operation.result.code : operation.result.kind;

/** Until the engine decides: a lock that is busy for a moment and a server that was just away are no answers. */
async function ask(
  real: Real,
  request: Omit<Parameters<typeof sendRequest>[0], 'member'>,
): Promise<Operation> {
  const members = real.cluster.membersOf(request.kind === 'confirm' ? 'payment-api' : 'booking-api');
  for (let attempt = 0; ; attempt += 1) {
    const operation = await sendRequest({ ...request, member: members[attempt % members.length]! });
    const isDecided = !['SEAT_LOCKED', 'DEPENDENCY_UNAVAILABLE', 'OVERLOADED'].includes(statusOf(operation));
    if (isDecided || attempt === 100) return operation;
    await delay(20);
  }
}

/** What the model says to a verb when it is asked, a moment before, and when the answer is there. */
function stepsOf(model: Model, verb: Verb, operation: Operation) {
  const instants = [operation.invokedAt - marginMs, operation.invokedAt, operation.completedAt];
  return instants.map((at) => {
    const world = { ...model.world, now: Math.max(0, at - model.startedAt) };
    return applyVerb(world, verb);
  });
}

/** The engine's word for an outcome of the model. */
function follow(model: Model, verb: Verb, operation: Operation): void {
  const said = statusOf(operation) === 'done' ? ['DONE', 'AGAIN'] : [statusOf(operation)];
  const steps = stepsOf(model, verb, operation);
  const step = steps.findLast(({ outcome }) => said.includes(outcome));
  if (step === undefined) {
    const expected = [...new Set(steps.map(({ outcome }): Outcome => outcome))].join(' or ');
    throw new Error(`${JSON.stringify(verb)}: expected ${expected}, got ${JSON.stringify(operation.result)}`);
  }
  model.world = step.world;
}

class Book implements Command {
  readonly userId: string;
  readonly places: readonly number[];
  constructor(userId: string, places: readonly number[]) {
    this.userId = userId;
    this.places = places;
  }
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    const seatIds = this.places.map((place) => real.seatIds[place]!).toSorted();
    keys += 1;
    const wish = { userId: this.userId, seatIds, key: `model-${keys}` };
    const key = real.hasKeys ? wish.key : undefined;
    const operation = await ask(real, { ...wish, key, kind: 'hold', bookingId: undefined });
    const booking = bookingOf(operation);
    const bookingId = booking?.id ?? 'refused';
    follow(model, { kind: 'hold', bookingId, userId: this.userId, seatIds }, operation);
    if (booking === undefined || operation.result.kind !== 'done') return;
    // The deadline is the database's; the model's own is only about right.
    const expiresAt = Date.parse(booking.expiresAt) - model.startedAt;
    const held = { ...model.world.bookings[bookingId]!, expiresAt };
    model.world = { ...model.world, bookings: { ...model.world.bookings, [bookingId]: held } };
    model.holds.push({ bookingId, wish, text: operation.result.text });
  }
  toString = () => `${this.userId} books ${this.places.join(' and ')}`;
}

class Settle implements Command {
  readonly kind: 'confirm' | 'release';
  readonly choice: number;
  constructor(kind: 'confirm' | 'release', choice: number) {
    this.kind = kind;
    this.choice = choice;
  }
  check = ({ holds }: Readonly<Model>) => holds.length > 0;
  async run(model: Model, real: Real): Promise<void> {
    const { bookingId, wish } = model.holds[this.choice % model.holds.length]!;
    const { userId } = wish;
    const operation = await ask(real, { kind: this.kind, userId, seatIds: [], bookingId, key: undefined });
    follow(model, { kind: this.kind, bookingId, userId }, operation);
  }
  toString = () => `${this.kind} #${this.choice}`;
}

/** The same request with the same key, however long ago: the same bytes, and nothing new. */
class RetryWithSameKey implements Command {
  readonly choice: number;
  constructor(choice: number) {
    this.choice = choice;
  }
  check = ({ holds }: Readonly<Model>) => holds.length > 0;
  async run(model: Model, real: Real): Promise<void> {
    if (!real.hasKeys) return;
    const { wish, text } = model.holds[this.choice % model.holds.length]!;
    const { result } = await ask(real, { ...wish, kind: 'hold', bookingId: undefined });
    if (result.kind !== 'done' || result.text !== text || !result.isReplay) {
      throw new Error(`a retry of ${text} was answered ${JSON.stringify(result)}`);
    }
  }
  toString = () => `retry #${this.choice} with the same key`;
}

class FlushRedis implements Command {
  check = () => true;
  async run(_model: Model, { cluster }: Real): Promise<void> {
    await withRedis(cluster.redisUrl, (redis) => redis.flushall());
  }
  toString = () => 'flush Redis';
}

class RestartRedis implements Command {
  check = () => true;
  async run(_model: Model, { cluster }: Real): Promise<void> {
    await cluster.redis.kill();
    await cluster.redis.start();
  }
  toString = () => 'restart Redis';
}

class KillWorker implements Command {
  check = () => true;
  async run(_model: Model, { cluster }: Real): Promise<void> {
    const [worker] = cluster.membersOf('expiry-worker');
    await worker!.kill();
    await worker!.revive();
  }
  toString = () => 'kill the worker';
}

/** Until every deadline has passed: by waiting for it, never by changing a row. */
class LetTimePass implements Command {
  check = ({ world }: Readonly<Model>) =>
    Object.values(world.bookings).some(({ status }) => status === 'PENDING');
  async run(model: Model): Promise<void> {
    const pending = Object.values(model.world.bookings).filter(({ status }) => status === 'PENDING');
    const last = Math.max(...pending.map(({ expiresAt }) => expiresAt));
    await delay(Math.max(0, model.startedAt + last + 2 * marginMs - now()));
  }
  toString = () => 'let time pass';
}

/** Chances of each command, so that a story is mostly about bookings. */
export function someCommands(seats: number, maxCommands: number): fc.Arbitrary<Iterable<Command>> {
  const places = fc.subarray(
    Array.from({ length: seats }, (_, index) => index),
    { minLength: 1, maxLength: 3 },
  );
  const book = fc.tuple(fc.constantFrom(...users), places).map(([user, chosen]) => new Book(user, chosen));
  const settle = fc
    .tuple(fc.constantFrom('confirm' as const, 'release' as const), fc.nat(20))
    .map(([kind, choice]) => new Settle(kind, choice));
  const retry = fc.nat(20).map((choice) => new RetryWithSameKey(choice));
  return fc.commands(
    [
      book,
      book,
      book,
      settle,
      settle,
      retry,
      fc.constant(new FlushRedis()),
      fc.constant(new RestartRedis()),
      fc.constant(new KillWorker()),
      fc.constant(new LetTimePass()),
    ] as fc.Arbitrary<Command>[],
    { maxCommands, size: 'max' },
  );
}
