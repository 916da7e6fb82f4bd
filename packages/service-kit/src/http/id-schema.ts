import { Type } from '@sinclair/typebox';

/** An id as a client sends it, in either case of letters. */
export const idSchema = Type.String({ format: 'uuid' });
