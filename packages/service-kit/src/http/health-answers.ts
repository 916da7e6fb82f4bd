import { Type } from '@sinclair/typebox';
import { described } from '../openapi/described.ts';

export const liveAnswer = described(Type.Object({ status: Type.Literal('live') }), {
  description: 'The process runs.',
  example: { status: 'live' },
});

const parts = Type.Optional(
  Type.Array(
    Type.Object({
      name: Type.String(),
      status: Type.String(),
      detail: Type.String({ description: 'A sentence for an operator.' }),
    }),
  ),
);

export const readyAnswer = described(
  Type.Object({ status: Type.Union([Type.Literal('ready'), Type.Literal('degraded')]), parts }),
  {
    description: 'It serves: with all it has, or without the `parts` that are not well.',
    example: { status: 'ready' },
  },
);

export const unreadyAnswer = described(
  Type.Object({ status: Type.Union([Type.Literal('unavailable'), Type.Literal('stopping')]), parts }),
  {
    description: 'It does not serve: PostgreSQL is away, or it is on its way out.',
    example: { status: 'stopping' },
  },
);

export const metricsAnswer = {
  description: 'Prometheus text.',
  content: { 'text/plain': { schema: { type: 'string' }, example: 'tickets_sold_total 1\n' } },
};
