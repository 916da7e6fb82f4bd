import { failpoint } from '#failpoint';
import { publishCommit, toTransitionChange, type PublishDependencies } from '../announce/publish-commit.ts';
import { groupBy } from '../group-by.ts';
import {
  toIdempotencyKey,
  type IdempotencyKey,
  type IdempotentRequests,
} from '../idempotency/idempotency.ts';
import type { Connections } from '../postgres/connections.ts';
import { GroupCommit } from '../postgres/group-commit.ts';
import type { Statement } from '../postgres/statement.ts';
import { checkOwner, type Owner } from '../records/ownership.ts';
import { toBookingView, type BookingRow } from '../records/rows.ts';
import type { Booking } from '../types.ts';
import { InputCheck } from '../validation.ts';

/** A request to confirm or to release a booking. */
export interface TransitionInput {
  readonly bookingId: string;
  /** The user whose booking it must be, else it is BOOKING_NOT_FOUND; or `anyone`. */
  readonly ownedBy: Owner;
  /** The user or the service that makes the request, for `booking_events`: `kiosk-7`. 1–128 visible ASCII characters. */
  readonly actor: string;
  /** Written beside the transition in `booking_events`. 1–128 visible ASCII characters. */
  readonly requestId?: string;
  /** 1–255 visible ASCII characters, unique among this actor's requests: sent again, it has no second effect. */
  readonly idempotencyKey?: string;
}

/** One request of a batch. Of several requests for one booking the first one has the effect. */
export interface TransitionRequest {
  readonly bookingId: string;
  readonly ownerId: string | null;
  readonly actor: string;
  readonly requestId: string | null;
  readonly key: IdempotencyKey | null;
}

interface TransitionRow extends BookingRow {
  /** The place of the request in the batch, from 1. */
  readonly request_number: number;
}

export interface CommittedTransition {
  /** Null when the booking was not PENDING, overdue or not the owner's. */
  readonly booking: Booking | null;
  /** Resolves when the commit is published to Redis, or its budget is over. */
  readonly published: Promise<void>;
}

export interface TransitionDependencies extends PublishDependencies {
  readonly connections: Connections;
  readonly idempotency: IdempotentRequests;
}

export type TransitionBatches = GroupCommit<TransitionRequest, CommittedTransition>;

/** The requests that wait for a commit of this statement: `commitTransitions` decides each batch of them. */
export function createTransitionBatches(
  dependencies: TransitionDependencies,
  statement: Statement,
): TransitionBatches {
  return new GroupCommit({
    commit: (requests: readonly TransitionRequest[]) => commitTransitions(dependencies, statement, requests),
    onBatch: (size) => dependencies.metrics.commitBatchSize.observe(size),
  });
}

/**
 * Decides a batch of requests in one statement and publishes the commit.
 *
 * @returns one outcome per request, in their order
 */
async function commitTransitions(
  dependencies: TransitionDependencies,
  statement: Statement,
  requests: readonly TransitionRequest[],
): Promise<CommittedTransition[]> {
  const rows = await dependencies.connections.commit<TransitionRow>(statement, [
    requests.map((request) => request.bookingId),
    requests.map((request) => request.ownerId),
    requests.map((request) => request.actor),
    requests.map((request) => request.requestId),
    requests.map((request) => request.key?.id ?? null),
    requests.map((request) => request.key?.fingerprint ?? null),
  ]);
  failpoint('transition-committed');
  const published = publishCommit(dependencies, rows.map(toTransitionChange));
  const moved = groupBy(rows, (row) => row.request_number);
  return requests.map((_, index) => {
    const rowsOfBooking = moved.get(index + 1);
    return { booking: rowsOfBooking === undefined ? null : toBookingView(rowsOfBooking), published };
  });
}

/** @throws VALIDATION_FAILED */
export function checkTransitionInput(
  verb: 'confirmBooking' | 'releaseBooking',
  input: TransitionInput,
): TransitionRequest {
  const check = new InputCheck(input);
  const bookingId = check.id('/bookingId', input.bookingId);
  const ownerId = checkOwner(check, input.ownedBy);
  const actor = check.userId('/actor', input.actor);
  const requestId = input.requestId === undefined ? null : check.userId('/requestId', input.requestId);
  check.throwIfAny();
  return {
    bookingId,
    ownerId,
    actor,
    requestId,
    key: toIdempotencyKey(input.idempotencyKey, { caller: actor, verb, request: { bookingId } }),
  };
}
