import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from '../cluster/cluster.ts';
import type { Member } from '../cluster/member.ts';
import { now } from '../clock.ts';
import { bookingOf, type Operation } from '../history.ts';
import type { Random } from '../random.ts';
import type { Hall } from './hall.ts';
import type { Profile } from './profile.ts';
import { sendRequest, type RequestToSend } from './send-request.ts';

export interface ClientOptions {
  readonly cluster: Cluster;
  readonly profile: Profile;
  readonly hall: Hall;
  readonly random: Random;
  /** Part of its user ids. */
  readonly name: string;
  readonly record: (operation: Operation) => void;
  readonly stopping: AbortSignal;
}

/** How often a request whose outcome is unknown is sent again with its key. */
const retries = 3;

/** A hold that its buyer has forgotten, and may remember too late. */
interface Forgotten {
  readonly bookingId: string;
  readonly userId: string;
  readonly deadline: number;
}

/**
 * One buyer after the other, each doing one thing at a time. Whoever cannot find out what became of a request is
 * given up, as Jepsen does: its request may still be under way, and the next buyer has another name.
 */
export async function runClient(options: ClientOptions): Promise<void> {
  const { cluster, profile, hall, random, stopping } = options;
  const forgotten: Forgotten[] = [];
  let lives = 0;
  let userId = `${options.name}-0`;

  const send = async (request: Omit<RequestToSend, 'member'>, at: Member): Promise<Operation> => {
    const operation = await sendRequest({ ...request, member: at });
    options.record(operation);
    return operation;
  };
  /** Sends until there is an answer; with a key it is the same request each time. */
  const insist = async (request: Omit<RequestToSend, 'member'>, members: readonly Member[]) => {
    const isTwin = members.length > 1 && random.chance(profile.twinShare);
    const twin = isTwin && (request.key !== undefined || request.kind !== 'hold');
    let operation = twin
      ? (await Promise.all(members.slice(0, 2).map((member) => send(request, member))))[0]!
      : await send(request, random.pick(members));
    for (let attempt = 1; attempt <= retries && mayRetry(operation, request); attempt += 1) {
      await delay(random.between(...profile.retryAfterMs));
      operation = await send(request, random.pick(members));
    }
    if (operation.result.kind === 'unknown') {
      lives += 1;
      userId = `${options.name}-${lives}`;
    }
    return operation;
  };
  const keyFor = (kind: string): string | undefined =>
    profile.keys ? `${kind}-${options.name}-${random.between(0, 2 ** 48)}` : undefined;

  const settle = async (kind: 'confirm' | 'release', hold: { bookingId: string; userId: string }) => {
    const members = cluster.membersOf(kind === 'confirm' ? 'payment-api' : 'booking-api');
    const operation = await insist({ ...hold, kind, seatIds: [], key: keyFor(kind) }, members);
    if (kind === 'confirm') hall.noteSold(bookingOf(operation)?.seats.map((seat) => seat.id) ?? []);
  };
  const buy = async () => {
    const hold = { kind: 'hold', userId, bookingId: undefined } as const;
    const seatIds = hall.choose(random, profile);
    const key = keyFor('hold');
    const operation = await insist({ ...hold, seatIds, key }, cluster.membersOf('booking-api'));
    const booking = bookingOf(operation);
    if (booking === undefined) return;
    if (key !== undefined && random.chance(profile.twinShare)) {
      await send({ ...hold, seatIds, key }, random.pick(cluster.membersOf('booking-api')));
    }
    const held = { bookingId: booking.id, userId: booking.userId };
    const mood = random.next();
    if (mood < profile.confirmShare) await settle('confirm', held);
    else if (mood < profile.confirmShare + profile.releaseShare) await settle('release', held);
    else forgotten.push({ ...held, deadline: now() + cluster.settings.holdSeconds * 1_000 });
  };
  const hoard = async () => {
    const user = `${options.name}-hoarder-${random.between(0, 3)}`;
    const members = cluster.membersOf('booking-api');
    const wishes = hall.chooseMany(random, 2 * cluster.settings.maxHeldSeats);
    const hold = { kind: 'hold', userId: user, bookingId: undefined, key: undefined } as const;
    await Promise.all(
      wishes.map((seatId, index) => send({ ...hold, seatIds: [seatId] }, members[index % members.length]!)),
    );
  };
  const rememberLate = async () => {
    const late = forgotten.findIndex(({ deadline }) => deadline < now());
    if (late >= 0) await settle('confirm', forgotten.splice(late, 1)[0]!);
  };

  while (!stopping.aborted) {
    const choice = random.next();
    if (choice < profile.hoardShare) await hoard();
    else if (choice < profile.hoardShare + profile.lateConfirmShare) await rememberLate();
    else await buy();
    await delay(random.next() * profile.thinkMs);
  }
}

/** Asking again is safe with a key, and for what has the same effect only once anyway. */
function mayRetry({ result }: Operation, { key, kind }: Omit<RequestToSend, 'member'>): boolean {
  const isSafe = key !== undefined || kind !== 'hold';
  const says = result.kind === 'unknown' || (result.kind === 'refused' && retryable.has(result.code));
  return isSafe && says;
}

const retryable: ReadonlySet<string> = new Set([
  'DEPENDENCY_UNAVAILABLE',
  'OVERLOADED',
  'IDEMPOTENCY_KEY_IN_PROGRESS',
  'SEAT_LOCKED',
]);
