import { Type } from '@sinclair/typebox';

/** The environment variables of services that limit how much is asked of them; spread into the schema of each. */
export const limitVariables = {
  RATE_LIMIT_MAX: Type.Integer({
    description: 'Requests that write, per user and window; ten times as many per address. 0 is no limit.',
    default: 30,
    minimum: 0,
    maximum: 1_000_000,
  }),
  RATE_LIMIT_WINDOW_SECONDS: Type.Integer({
    description: 'The window of RATE_LIMIT_MAX.',
    default: 10,
    minimum: 1,
    maximum: 3_600,
  }),
  TRUSTED_PROXIES: Type.Optional(
    Type.String({
      description: 'The proxies whose word on the address of a client is taken.',
      format: 'cidr-list',
    }),
  ),
};
