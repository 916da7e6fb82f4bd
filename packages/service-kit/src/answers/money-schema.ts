import { Type } from '@sinclair/typebox';

export const moneySchema = Type.Object(
  {
    amount: Type.Integer({ description: 'In minor units of the currency.' }),
    currency: Type.String({ description: 'ISO 4217: three capital letters.' }),
  },
  { additionalProperties: false, title: 'Money' },
);
