import { Type } from '@sinclair/typebox';
import type { SeatCore } from '@ticketing/seat-core';
import { Permits } from '@ticketing/seat-core/permits';
import {
  described,
  HttpError,
  type HttpService,
  idempotencyOf,
  moneySchema,
  problemAnswers,
  tellReplay,
} from '@ticketing/service-kit';
import { eventSchema, exampleEvent, toEventAnswer } from '../answers/event-answer.ts';

const closed = { additionalProperties: false };

const schema = {
  summary: 'Make an event and all of its seats',
  body: Type.Object(
    {
      name: Type.String({ description: '1 to 200 visible characters.' }),
      venue: Type.String({ description: '1 to 200 visible characters.' }),
      startsAt: Type.String({ format: 'date-time', description: 'In the years 1970 to 9998 of UTC.' }),
      salesOpenAt: Type.Optional(
        Type.String({
          format: 'date-time',
          description: 'Holds before are refused with SALES_NOT_OPEN. Without it the sales are open at once.',
        }),
      ),
      salesCloseAt: Type.Optional(
        Type.String({
          format: 'date-time',
          description: 'Holds from then on are refused with SALES_CLOSED. Without it: from `startsAt`.',
        }),
      ),
      sections: Type.Array(
        Type.Object(
          {
            name: Type.String({ description: '1 to 100 visible characters, unique within the event.' }),
            price: moneySchema,
            rows: Type.Array(
              Type.Object(
                {
                  name: Type.String({
                    description: '1 to 20 visible characters, unique within the section.',
                  }),
                  seats: Type.Integer({ description: 'How many; they are numbered from 1.' }),
                },
                closed,
              ),
              { maxItems: 5_000 },
            ),
          },
          closed,
        ),
        {
          maxItems: 200,
          description: 'All prices in one currency; 5,000 rows and 100,000 seats in all at most.',
        },
      ),
    },
    {
      ...closed,
      examples: [
        {
          name: 'Malam Gamelan & Orkestra',
          venue: 'Gedung Kesenian Nusantara, Jakarta',
          startsAt: '2027-01-07T19:30:00+07:00',
          sections: [
            {
              name: 'Platinum',
              price: { amount: 250_000_000, currency: 'IDR' },
              rows: [{ name: 'A', seats: 20 }],
            },
          ],
        },
      ],
    },
  ),
  response: {
    201: described(eventSchema, {
      description: 'The event was made, with up to 100,000 seats.',
      example: exampleEvent,
      headers: {
        location: 'the path of the event',
        'idempotency-replayed': '`true` when the key was known and this is the answer it stands for',
      },
    }),
    ...problemAnswers,
  },
};

/** An event of 100,000 seats whose rows all have names of their own; other routes keep the small default. */
const bodyLimit = 16 * 1024 * 1024;

/** A body and what it is parsed to cost several times its bytes. */
const bodiesAtOnce = 2;
/** A body that waits longer would not arrive within the time of a request. */
const maxWaitMs = 15_000;
const maxWaiting = 20;

/** `POST /api/v1/events`: an event and all of its seats, or nothing; for organizers. */
export function addCreateEventRoute(app: HttpService, core: SeatCore): void {
  const bodies = new Permits({ size: bodiesAtOnce, maxWaiting, maxWaitMs });
  app.post(
    '/api/v1/events',
    {
      schema,
      bodyLimit,
      config: { access: 'organizer' },
      // Before the body is read: what waits here stays with the client.
      preParsing: async (_request, { raw }) => {
        const giveBack = await bodies.take().catch((cause: unknown) => {
          throw new HttpError('OVERLOADED', [], { cause });
        });
        if (raw.destroyed) giveBack();
        else raw.once('close', giveBack);
      },
    },
    async (request, reply) => {
      const { body, caller } = request;
      const event = await core.createEvent({
        ...body,
        ...(caller.userId !== null && { actor: caller.userId }),
        ...idempotencyOf(request),
      });
      return tellReplay(reply, event)
        .code(201)
        .header('location', `/api/v1/events/${event.id}`)
        .send(toEventAnswer(event));
    },
  );
}
