import { Type } from '@sinclair/typebox';

/** The body of every fault (RFC 9457), for the response schemas of routes and for tests. */
export const problemSchema = Type.Object(
  {
    type: Type.String({ description: 'A stable URI of the kind of fault.' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String({ description: 'For the buyer, in English or Indonesian.' }),
    code: Type.String({ description: 'For programs; never changes.' }),
    retryable: Type.Boolean({ description: 'Whether the same request may succeed when sent again.' }),
    requestId: Type.String(),
    errors: Type.Optional(
      Type.Array(Type.Object({ pointer: Type.String(), detail: Type.String() }), {
        description: 'VALIDATION_FAILED: where, as JSON Pointers (RFC 6901), and why.',
      }),
    ),
    seatIds: Type.Optional(Type.Array(Type.String(), { description: 'SEAT_TAKEN: the seats in the way.' })),
    outcome: Type.Optional(
      Type.String({ description: 'unknown: a commit was sent and its answer lost, it may have happened.' }),
    ),
    bookingStatus: Type.Optional(Type.String({ description: 'BOOKING_NOT_PENDING: what it is instead.' })),
  },
  { title: 'Problem' },
);
