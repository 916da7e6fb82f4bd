import { SeatCoreError, type InputError, type SeatErrorDetails } from '@ticketing/seat-core/errors';
import type { ErrorObject } from 'ajv';
import { describeValidation } from './describe-validation.ts';
import type { FaultCode, Language, Sentence } from './faults.ts';
import { sentences } from './sentences.ts';
import { ServiceFault } from './service-fault.ts';

export interface Fault {
  readonly code: FaultCode;
  readonly details: SeatErrorDetails;
}

/** What Fastify hangs on the errors that it throws itself. */
interface FrameworkError {
  readonly code?: string;
  readonly validation?: readonly ErrorObject[];
  readonly validationContext?: string;
}

const requestFaults: Readonly<Record<string, Sentence>> = {
  FST_ERR_CTP_EMPTY_JSON_BODY: sentences.bodyRequired,
  FST_ERR_CTP_INVALID_JSON_BODY: sentences.malformedJson,
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: sentences.wrongLength,
  FST_ERR_BAD_URL: sentences.malformedPath,
  FST_ERR_MAX_PARAM_LENGTH: sentences.longPath,
};

/** Decides which fault an error is; whatever is not known to be the client's or the domain's is INTERNAL. */
export function toFault(error: unknown, language: Language): Fault {
  if (error instanceof SeatCoreError) return { code: error.code, details: error.details };
  if (error instanceof ServiceFault) {
    const errors = error.errors.map(({ pointer, sentence }) => ({ pointer, detail: sentence[language] }));
    return { code: error.code, details: errors.length > 0 ? { errors } : {} };
  }
  if (!(error instanceof Error)) return { code: 'INTERNAL', details: {} };

  const { code, validation, validationContext } = error as FrameworkError;
  if (validation !== undefined) {
    return invalid(describeValidation(validation, validationContext ?? 'body', language));
  }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return { code: 'UNSUPPORTED_MEDIA_TYPE', details: {} };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return { code: 'PAYLOAD_TOO_LARGE', details: {} };
  const sentence = requestFaults[code ?? ''];
  if (sentence !== undefined) return invalid([{ pointer: '', detail: sentence[language] }]);
  return { code: 'INTERNAL', details: {} };
}

function invalid(errors: readonly InputError[]): Fault {
  return { code: 'VALIDATION_FAILED', details: { errors } };
}
