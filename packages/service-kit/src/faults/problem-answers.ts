import { problemSchema } from './problem-schema.ts';

/** What any route may answer instead. */
export const problemAnswers = { '4xx': problemSchema, '5xx': problemSchema };
