import type { Sentence, ServiceCode } from './problem-table.ts';

/** What is wrong with one value of a request. */
export interface InputProblem {
  /** JSON Pointer (RFC 6901) into the body, the query or the path values; `''` is all of it. */
  readonly pointer: string;
  readonly sentence: Sentence;
}

/** The codes that HTTP code may throw: its own, and three that it shares with seat-core. */
export type HttpErrorCode = ServiceCode | 'VALIDATION_FAILED' | 'OVERLOADED' | 'DEPENDENCY_UNAVAILABLE';

/** The error that HTTP code throws; seat-core throws `SeatCoreError`. Both become problems. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly code: HttpErrorCode;
  readonly errors: readonly InputProblem[];

  /** @param errors for VALIDATION_FAILED: where the request is wrong, and why */
  constructor(code: HttpErrorCode, errors: readonly InputProblem[] = [], options?: ErrorOptions) {
    // An answer, not a defect: a stack would cost more than all else about it.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(code, options);
    Error.stackTraceLimit = stackTraceLimit;
    this.code = code;
    this.errors = errors;
  }
}

/** The sentences of `errors[].detail` that concern a request as a whole, or that several places use. */
export const sentences = {
  bodyRequired: { en: 'a JSON body is required', id: 'isi permintaan JSON wajib ada' },
  bodyForbidden: { en: 'the body must be empty or {}', id: 'isi permintaan harus kosong atau {}' },
  notUtf8: { en: 'the body must be UTF-8', id: 'isi permintaan harus UTF-8' },
  unknownMember: { en: 'is not a known member', id: 'tidak dikenal' },
  unknownParameter: { en: 'is not known', id: 'tidak dikenal' },
  undecodableParameter: {
    en: 'the query parameter must be UTF-8 in percent-encoding',
    id: 'parameter kueri harus UTF-8 dalam percent-encoding',
  },
  memberRequired: { en: 'is required', id: 'wajib diisi' },
  userOfToken: {
    en: 'is taken from the token: leave it out',
    id: 'diambil dari token: jangan dikirim',
  },
  idempotencyKey: {
    en: 'the header Idempotency-Key must be 1 to 255 visible ASCII characters',
    id: 'header Idempotency-Key harus berupa 1 sampai 255 karakter ASCII yang terlihat',
  },
  malformedJson: {
    en: 'the body must be JSON, without members named __proto__ or constructor.prototype',
    id: 'isi permintaan harus JSON, tanpa anggota bernama __proto__ atau constructor.prototype',
  },
  wrongLength: {
    en: 'the body is not as long as Content-Length says',
    id: 'panjang isi permintaan tidak sesuai dengan Content-Length',
  },
  malformedPath: { en: 'the path is not well-formed', id: 'penulisan alamat tidak benar' },
  longPath: { en: 'a segment of the path is too long', id: 'bagian dari alamat terlalu panjang' },
  oneHost: { en: 'the header Host is required, once', id: 'header Host wajib ada, satu kali' },
  largeHeaders: {
    en: 'the request line and headers must have at most 16 KiB',
    id: 'baris permintaan dan header paling banyak 16 KiB',
  },
  lateRequest: { en: 'the request did not arrive in time', id: 'permintaan tidak tiba tepat waktu' },
  unanswerable: {
    en: 'the conditions or ranges of the request cannot be met',
    id: 'syarat atau rentang permintaan tidak dapat dipenuhi',
  },
  malformedRequest: {
    en: 'this is not a well-formed HTTP request',
    id: 'ini bukan permintaan HTTP yang benar',
  },
} as const satisfies Record<string, Sentence>;
