import type { SeatErrorCode } from '@ticketing/seat-core/errors';

/** Codes of errors that arise before a request reaches seat-core, or that no layer expected. */
export type ServiceCode =
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'RATE_LIMITED'
  | 'ROUTE_NOT_FOUND'
  | 'PAYLOAD_TOO_LARGE'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'INTERNAL';

/** Every `code` that an answer of a service can carry. */
export type ProblemCode = SeatErrorCode | ServiceCode;

/** The languages of `detail`. */
export type Language = 'en' | 'id';

/** One sentence, in each language. */
export type Sentence = Readonly<Record<Language, string>>;

interface ProblemDefinition {
  readonly status: number;
  readonly title: string;
  /** Whether the same request may succeed when it is sent again. */
  readonly retryable: boolean;
  /** Sent as `Retry-After`. */
  readonly retryAfterSeconds?: number;
  /** For the documentation: when a client meets it. */
  readonly when: string;
  /** For the buyer: what happened and what to do. */
  readonly detail: Sentence;
}

/** A code that is missing here does not compile: each has a status and its sentences. */
export const problems = {
  VALIDATION_FAILED: {
    status: 400,
    title: 'Validation failed',
    retryable: false,
    when: 'malformed or out of bounds; `errors` says where',
    detail: {
      en: 'The request is malformed or out of bounds: see errors, correct it and send it again.',
      id: 'Permintaan tidak sesuai: lihat errors, perbaiki, lalu kirim kembali.',
    },
  },
  SEAT_TAKEN: {
    status: 400,
    title: 'Seat taken',
    retryable: false,
    when: 'a requested seat is RESERVED or SOLD; `seatIds` lists taken seats, one at least',
    detail: { en: 'This seat is already taken: choose another one.', id: 'Kursi sudah dipesan!' },
  },
  SEAT_LOCKED: {
    status: 400,
    title: 'Seat busy',
    retryable: true,
    retryAfterSeconds: 1,
    when: 'another request is booking a requested seat at this moment',
    detail: {
      en: 'Another buyer is booking this seat at this moment: try again in a second.',
      id: 'Kursi sedang diproses!',
    },
  },
  BOOKING_NOT_PENDING: {
    status: 400,
    title: 'Booking not pending',
    retryable: false,
    when: 'confirm of a CANCELLED, release of a CONFIRMED or EXPIRED booking; `bookingStatus` is its status',
    detail: {
      en: 'The booking is no longer pending, so this cannot be done to it: see bookingStatus.',
      id: 'Pemesanan sudah tidak berstatus menunggu, jadi tindakan ini tidak dapat dilakukan: lihat bookingStatus.',
    },
  },
  BOOKING_EXPIRED: {
    status: 400,
    title: 'Booking expired',
    retryable: false,
    when: 'confirm after `expiresAt`, whether or not the clean-up has run',
    detail: {
      en: 'The time to confirm this booking has passed: book the seats again.',
      id: 'Batas waktu pemesanan ini sudah lewat: silakan pesan kursi kembali.',
    },
  },
  HOLD_LIMIT_REACHED: {
    status: 400,
    title: 'Hold limit reached',
    retryable: false,
    when: 'the user would hold more than `MAX_HELD_SEATS_PER_USER` seats of the event at once',
    detail: {
      en: 'You are holding as many seats of this event as one person may: pay for some or give them back first.',
      id: 'Jumlah kursi yang Anda tahan untuk acara ini sudah mencapai batas: bayar atau lepaskan sebagian terlebih dahulu.',
    },
  },
  UNAUTHENTICATED: {
    status: 401,
    title: 'Unauthenticated',
    retryable: false,
    when: 'no token, or an invalid one; `WWW-Authenticate` names the scheme',
    detail: {
      en: 'Sign in: a valid token is needed in the header Authorization.',
      id: 'Silakan masuk: diperlukan token yang sah di header Authorization.',
    },
  },
  FORBIDDEN: {
    status: 403,
    title: 'Forbidden',
    retryable: false,
    when: 'the token is valid, but its `roles` lack the role that the route needs',
    detail: {
      en: 'Your account is not allowed to do this: ask for the role that it needs.',
      id: 'Akun Anda tidak berhak melakukan ini: mintalah peran yang diperlukan.',
    },
  },
  SEAT_NOT_FOUND: {
    status: 404,
    title: 'Seat not found',
    retryable: false,
    when: 'unknown seat',
    detail: { en: 'There is no such seat: check the id.', id: 'Kursi tidak ditemukan: periksa id-nya.' },
  },
  BOOKING_NOT_FOUND: {
    status: 404,
    title: 'Booking not found',
    retryable: false,
    when: "unknown booking, or another user's: the same answer",
    detail: {
      en: 'There is no such booking: check the id.',
      id: 'Pemesanan tidak ditemukan: periksa id-nya.',
    },
  },
  EVENT_NOT_FOUND: {
    status: 404,
    title: 'Event not found',
    retryable: false,
    when: 'unknown event',
    detail: { en: 'There is no such event: check the id.', id: 'Acara tidak ditemukan: periksa id-nya.' },
  },
  ROUTE_NOT_FOUND: {
    status: 404,
    title: 'Route not found',
    retryable: false,
    when: 'no route has this path and method',
    detail: {
      en: 'Nothing answers to this path and method: check both.',
      id: 'Alamat dan metode ini tidak dikenal: periksa keduanya.',
    },
  },
  IDEMPOTENCY_KEY_IN_PROGRESS: {
    status: 409,
    title: 'Idempotency key in progress',
    retryable: true,
    retryAfterSeconds: 1,
    when: 'a request with the same `Idempotency-Key` is in flight and did not finish in time',
    detail: {
      en: 'A request with this Idempotency-Key is still being worked on: send it again in a second.',
      id: 'Permintaan dengan Idempotency-Key ini masih diproses: kirim kembali sesaat lagi.',
    },
  },
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    title: 'Idempotency key reused',
    retryable: false,
    when: 'the same `Idempotency-Key` came with another request',
    detail: {
      en: 'This Idempotency-Key belongs to a request that asked for something else: use a new key.',
      id: 'Idempotency-Key ini milik permintaan lain dengan isi berbeda: gunakan kunci baru.',
    },
  },
  PAYLOAD_TOO_LARGE: {
    status: 413,
    title: 'Payload too large',
    retryable: false,
    when: 'the body is larger than the route accepts',
    detail: {
      en: 'The body is larger than is accepted here: send less.',
      id: 'Isi permintaan terlalu besar: kirim lebih sedikit data.',
    },
  },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    title: 'Unsupported media type',
    retryable: false,
    when: 'the body is not `application/json`',
    detail: {
      en: 'Send the body as application/json.',
      id: 'Kirim isi permintaan sebagai application/json.',
    },
  },
  RATE_LIMITED: {
    status: 429,
    title: 'Rate limited',
    retryable: true,
    when: 'more requests that write than a user, or an address, may send; `Retry-After` is the wait in seconds',
    detail: {
      en: 'You are sending requests too fast: wait as long as Retry-After says.',
      id: 'Permintaan Anda terlalu cepat: tunggu selama yang disebut Retry-After.',
    },
  },
  OVERLOADED: {
    status: 503,
    title: 'Overloaded',
    retryable: true,
    retryAfterSeconds: 1,
    when: 'more requests are waiting than the service can answer in time; this one was not tried',
    detail: {
      en: 'Too many requests are waiting at this moment: try again in a second.',
      id: 'Terlalu banyak permintaan saat ini: coba kembali sesaat lagi.',
    },
  },
  DEPENDENCY_UNAVAILABLE: {
    status: 503,
    title: 'Dependency unavailable',
    retryable: true,
    retryAfterSeconds: 1,
    when: 'PostgreSQL, or the source of the keys that verify tokens, does not answer; with `"outcome": "unknown"` the request may have taken effect',
    detail: {
      en: 'The service cannot reach a system that it needs at this moment: try again, with the same Idempotency-Key if you sent one.',
      id: 'Layanan tidak dapat menjangkau sistem yang diperlukannya saat ini: coba kembali, dengan Idempotency-Key yang sama bila ada.',
    },
  },
  INTERNAL: {
    status: 500,
    title: 'Internal error',
    retryable: false,
    when: 'any unexpected error; the answer holds the request id and no reason',
    detail: {
      en: 'Something went wrong on our side: name the request id when you report it.',
      id: 'Terjadi kesalahan di pihak kami: sebutkan id permintaan saat melaporkannya.',
    },
  },
} as const satisfies Record<ProblemCode, ProblemDefinition>;

/** The definition of a code, with its optional members visible to the compiler. */
export function definitionOf(code: ProblemCode): ProblemDefinition {
  return problems[code];
}

/** Every problem as a Markdown table. */
export function problemTable(): string {
  const rows = (Object.keys(problems) as ProblemCode[]).map((code) => {
    const { status, retryable, retryAfterSeconds, when, detail } = definitionOf(code);
    const retry = retryAfterSeconds === undefined ? '' : `, \`Retry-After: ${retryAfterSeconds}\``;
    return [`\`${code}\``, String(status), (retryable ? 'yes' : 'no') + retry, when, detail.en, detail.id];
  });
  const header = ['code', 'status', 'retryable', 'when', 'detail (en)', 'detail (id)'];
  return [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}
