import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from '../cluster/cluster.ts';
import type { Member } from '../cluster/member.ts';
import { bookingOf, now, type Operation } from '../history.ts';
import type { Random } from '../random.ts';
import type { Profile } from './profile.ts';
import { sendRequest, type RequestToSend } from './send-request.ts';
import type { Venue } from './venue.ts';

export interface ClientOptions {
  readonly cluster: Cluster;
  readonly profile: Profile;
  readonly venue: Venue;
  readonly random: Random;
  /** Begins each of its user ids. */
  readonly name: string;
  readonly record: (operation: Operation) => void;
  readonly stopping: AbortSignal;
}

type Request = Omit<RequestToSend, 'member'>;

/** How often a client repeats a request whose outcome is unknown. */
const retries = 3;

/**
 * One buyer after the other, one action at a time. A buyer that cannot find out the outcome of a request is given up, as
 * in Jepsen: the request may still run, so the next buyer has another name.
 */
export async function runClient(options: ClientOptions): Promise<void> {
  const { cluster, profile, venue, random, stopping } = options;
  const apis = cluster.membersOf('booking-api');
  const forgotten: { bookingId: string; userId: string; deadline: number }[] = [];
  let buyers = 0;
  let userId = `${options.name}-0`;

  const send = async (request: Request, member: Member): Promise<Operation> => {
    const operation = await sendRequest({ ...request, member });
    options.record(operation);
    return operation;
  };
  /** Sends the same request until there is an answer. */
  const insist = async (request: Request, members: readonly Member[]): Promise<Operation> => {
    const isDuplicated = members.length > 1 && random.chance(profile.duplicateShare);
    let operation = isDuplicated
      ? (await Promise.all(members.slice(0, 2).map((member) => send(request, member))))[0]!
      : await send(request, random.pick(members));
    for (let attempt = 1; attempt <= retries && mayRetry(operation); attempt += 1) {
      await delay(random.between(...profile.retryAfterMs));
      operation = await send(request, random.pick(members));
    }
    if (operation.result.kind === 'unknown') {
      buyers += 1;
      userId = `${options.name}-${buyers}`;
    }
    return operation;
  };
  const newKey = (kind: string) => `${kind}-${options.name}-${random.between(0, 2 ** 48)}`;

  const end = async (kind: 'confirm' | 'release', held: { bookingId: string; userId: string }) => {
    const { bookingId, userId: owner } = held;
    const members = kind === 'confirm' ? cluster.membersOf('payment-api') : apis;
    const request = { kind, bookingId, userId: owner, seatIds: [], key: newKey(kind) };
    const operation = await insist(request, members);
    if (kind === 'confirm') venue.noteSold(bookingOf(operation)?.seats.map((seat) => seat.id) ?? []);
  };
  const buy = async () => {
    const seatIds = venue.choose(random, profile);
    const hold = { kind: 'hold', userId, bookingId: undefined, seatIds, key: newKey('hold') } as const;
    const booking = bookingOf(await insist(hold, apis));
    if (booking === undefined) return;
    if (random.chance(profile.duplicateShare)) await send(hold, random.pick(apis));
    const held = { bookingId: booking.id, userId: booking.userId };
    const choice = random.next();
    if (choice < profile.confirmShare) await end('confirm', held);
    else if (choice < profile.confirmShare + profile.releaseShare) await end('release', held);
    else forgotten.push({ ...held, deadline: now() + cluster.settings.holdSeconds * 1_000 });
  };
  const hoard = async () => {
    const hoarder = `${options.name}-hoarder-${random.between(0, 3)}`;
    const hold = { kind: 'hold', userId: hoarder, bookingId: undefined, key: undefined } as const;
    await Promise.all(
      venue
        .chooseMany(random, 2 * cluster.settings.maxHeldSeats)
        .map((seatId, index) => send({ ...hold, seatIds: [seatId] }, apis[index % apis.length]!)),
    );
  };
  const confirmLate = async () => {
    const late = forgotten.filter(({ deadline }) => deadline < now());
    if (late.length === 0) return;
    const held = random.pick(late);
    forgotten.splice(forgotten.indexOf(held), 1);
    await end('confirm', held);
  };

  while (!stopping.aborted) {
    const choice = random.next();
    if (choice < profile.hoardShare) await hoard();
    else if (choice < profile.hoardShare + profile.lateConfirmShare) await confirmLate();
    else await buy();
    await delay(random.next() * profile.thinkMs);
  }
}

const retryable: ReadonlySet<string> = new Set([
  'DEPENDENCY_UNAVAILABLE',
  'OVERLOADED',
  'IDEMPOTENCY_KEY_IN_PROGRESS',
  'SEAT_LOCKED',
]);

function mayRetry({ result }: Operation): boolean {
  return result.kind === 'unknown' || (result.kind === 'refused' && retryable.has(result.code));
}
