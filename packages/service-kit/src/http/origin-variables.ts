import { Type } from '@sinclair/typebox';

/** The environment variable of services that pages of browsers talk to; spread into the schema of each. */
export const originVariables = {
  ALLOWED_ORIGINS: Type.Optional(
    Type.String({
      description:
        'The origins whose pages may call (CORS) and follow the live feed, `https://a.example, https://b.example`. Not set: no page may call, every page may follow.',
      format: 'origin-list',
    }),
  ),
};
