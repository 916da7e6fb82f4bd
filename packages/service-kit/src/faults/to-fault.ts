import { SeatCoreError, type InputFault, type SeatErrorDetails } from '@ticketing/seat-core/errors';
import type { ErrorObject } from 'ajv';
import { describeValidation } from '../http/describe-validation.ts';
import type { FaultCode, Language } from './faults.ts';
import { ServiceFault } from './service-fault.ts';

export interface Fault {
  readonly code: FaultCode;
  readonly details: SeatErrorDetails;
}

/** What Fastify hangs on the errors that it throws itself. */
interface FrameworkError {
  readonly code?: string;
  readonly statusCode?: number;
  readonly validation?: readonly ErrorObject[];
  readonly validationContext?: string;
}

type Sentence = Readonly<Record<Language, string>>;

const requestFaults: Readonly<Record<string, Sentence>> = {
  FST_ERR_CTP_EMPTY_JSON_BODY: { en: 'a JSON body is required', id: 'isi permintaan JSON wajib ada' },
  FST_ERR_CTP_INVALID_JSON_BODY: {
    en: 'the body must be JSON, without members named __proto__ or constructor.prototype',
    id: 'isi permintaan harus JSON, tanpa anggota bernama __proto__ atau constructor.prototype',
  },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    en: 'the body is not as long as Content-Length says',
    id: 'panjang isi permintaan tidak sesuai dengan Content-Length',
  },
  FST_ERR_BAD_URL: { en: 'the path is not well-formed', id: 'penulisan alamat tidak benar' },
  FST_ERR_MAX_PARAM_LENGTH: {
    en: 'a part of the path is too long',
    id: 'bagian dari alamat terlalu panjang',
  },
};

/** Decides which fault an error is; whatever is not known to be the client's or the domain's is INTERNAL. */
export function toFault(error: unknown, language: Language): Fault {
  if (error instanceof SeatCoreError || error instanceof ServiceFault) {
    return { code: error.code, details: error.details };
  }
  if (!(error instanceof Error)) return { code: 'INTERNAL', details: {} };

  const { code, statusCode, validation, validationContext } = error as FrameworkError;
  if (validation !== undefined && statusCode === 400) {
    return invalid(describeValidation(validation, validationContext ?? 'body', language));
  }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return { code: 'UNSUPPORTED_MEDIA_TYPE', details: {} };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return { code: 'PAYLOAD_TOO_LARGE', details: {} };
  const sentence = requestFaults[code ?? ''];
  if (sentence !== undefined) return invalid([{ pointer: '', detail: sentence[language] }]);
  return { code: 'INTERNAL', details: {} };
}

function invalid(errors: readonly InputFault[]): Fault {
  return { code: 'VALIDATION_FAILED', details: { errors } };
}
