import { Type } from '@sinclair/typebox';
import {
  authenticationVariables,
  commonVariables,
  limitVariables,
  originVariables,
} from '@ticketing/service-kit';

/** The environment of payment-api. */
export const configSchema = Type.Object({
  PAYMENT_API_PORT: Type.Integer({
    description: 'The port of payment-api.',
    default: 3002,
    minimum: 1,
    maximum: 65_535,
  }),
  ...commonVariables,
  ...authenticationVariables,
  ...limitVariables,
  ...originVariables,
});
