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

/** A row of the table. A code without a row does not compile: each has a status and its sentences. */
interface ProblemRow extends Sentence {
  readonly status: number;
  /** By default the code in words. */
  readonly title?: string;
  /** Whether the same request may succeed when it is sent again; by default not. */
  readonly retryable?: true;
  /** Sent as `Retry-After`. */
  readonly retryAfterSeconds?: number;
  /** For the documentation: when a client meets it. */
  readonly when: string;
}

const rows: Readonly<Record<ProblemCode, ProblemRow>> = {
  VALIDATION_FAILED: {
    status: 400,
    when: 'malformed or out of bounds; `errors` says where',
    en: 'The request is malformed or out of bounds: see errors, correct it and send it again.',
    id: 'Permintaan tidak sesuai: lihat errors, perbaiki, lalu kirim kembali.',
  },
  SEAT_TAKEN: {
    status: 400,
    when: 'a requested seat is RESERVED or SOLD; `seatIds` lists taken seats, at least one',
    en: 'This seat is already taken: choose another one.',
    id: 'Kursi sudah dipesan!',
  },
  SEAT_LOCKED: {
    status: 400,
    title: 'Seat busy',
    retryable: true,
    retryAfterSeconds: 1,
    when: 'another request is booking a requested seat at this moment',
    en: 'Another buyer is booking this seat at this moment: try again in a second.',
    id: 'Kursi sedang diproses!',
  },
  BOOKING_NOT_PENDING: {
    status: 400,
    when: 'confirm of a CANCELLED, release of a CONFIRMED or EXPIRED booking; `bookingStatus` is its status',
    en: 'The booking is no longer pending, so this cannot be done to it: see bookingStatus.',
    id: 'Pemesanan sudah tidak berstatus menunggu, jadi tindakan ini tidak dapat dilakukan: lihat bookingStatus.',
  },
  BOOKING_EXPIRED: {
    status: 400,
    when: 'confirm after `expiresAt`, whether or not the clean-up has run',
    en: 'The time to confirm this booking has passed: book the seats again.',
    id: 'Batas waktu pemesanan ini sudah lewat: silakan pesan kursi kembali.',
  },
  HOLD_LIMIT_REACHED: {
    status: 400,
    when: 'the user would hold more than `MAX_HELD_SEATS_PER_USER` seats of the event at once',
    en: 'You are holding as many seats of this event as one person may: pay for some or give them back first.',
    id: 'Jumlah kursi yang Anda tahan untuk acara ini sudah mencapai batas: bayar atau lepaskan sebagian terlebih dahulu.',
  },
  SALES_NOT_OPEN: {
    status: 400,
    retryable: true,
    when: 'a hold before `salesOpenAt` of the event, by the clock of the database; `opensAt` says when, `Retry-After` in how many seconds',
    en: 'The sales of this event are not open yet: try again at the moment that opensAt names.',
    id: 'Penjualan acara ini belum dibuka: coba kembali pada waktu yang disebut opensAt.',
  },
  SALES_CLOSED: {
    status: 400,
    when: 'a hold from `salesCloseAt` of the event on, by the clock of the database',
    en: 'The sales of this event are closed: its seats can no longer be booked.',
    id: 'Penjualan acara ini sudah ditutup: kursinya tidak dapat dipesan lagi.',
  },
  UNAUTHENTICATED: {
    status: 401,
    when: 'no token, or an invalid one; `WWW-Authenticate` names the scheme',
    en: 'Sign in: a valid token is needed in the header Authorization.',
    id: 'Silakan masuk: diperlukan token yang sah di header Authorization.',
  },
  FORBIDDEN: {
    status: 403,
    when: 'the token is valid, but lacks the role that the route needs',
    en: 'Your account is not allowed to do this: ask for the role that it needs.',
    id: 'Akun Anda tidak berhak melakukan ini: mintalah peran yang diperlukan.',
  },
  SEAT_NOT_FOUND: {
    status: 404,
    when: 'unknown seat',
    en: 'There is no such seat: check the id.',
    id: 'Kursi tidak ditemukan: periksa id-nya.',
  },
  BOOKING_NOT_FOUND: {
    status: 404,
    when: "unknown booking, or another user's: the same answer",
    en: 'There is no such booking: check the id.',
    id: 'Pemesanan tidak ditemukan: periksa id-nya.',
  },
  EVENT_NOT_FOUND: {
    status: 404,
    when: 'unknown event',
    en: 'There is no such event: check the id.',
    id: 'Acara tidak ditemukan: periksa id-nya.',
  },
  ROUTE_NOT_FOUND: {
    status: 404,
    when: 'no route has this path and method',
    en: 'Nothing answers to this path and method: check both.',
    id: 'Alamat dan metode ini tidak dikenal: periksa keduanya.',
  },
  IDEMPOTENCY_KEY_IN_PROGRESS: {
    status: 409,
    retryable: true,
    retryAfterSeconds: 1,
    when: 'a request with the same `Idempotency-Key` is in flight and did not finish in time',
    en: 'A request with this Idempotency-Key is still being worked on: send it again in a second.',
    id: 'Permintaan dengan Idempotency-Key ini masih diproses: kirim kembali sesaat lagi.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    when: 'the same `Idempotency-Key` came with another request',
    en: 'This Idempotency-Key belongs to a request that asked for something else: use a new key.',
    id: 'Idempotency-Key ini milik permintaan lain dengan isi berbeda: gunakan kunci baru.',
  },
  PAYLOAD_TOO_LARGE: {
    status: 413,
    when: 'the body is larger than the route accepts',
    en: 'The body is larger than is accepted here: send less.',
    id: 'Isi permintaan terlalu besar: kirim lebih sedikit data.',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    when: 'the body is not `application/json`, or has another charset than UTF-8, or a `Content-Encoding`',
    en: 'Send the body as application/json, in UTF-8 and without Content-Encoding.',
    id: 'Kirim isi permintaan sebagai application/json, dalam UTF-8 dan tanpa Content-Encoding.',
  },
  RATE_LIMITED: {
    status: 429,
    retryable: true,
    when: 'more requests that write than a user, or an address, may send; `Retry-After` is the wait in seconds',
    en: 'You are sending requests too fast: wait as long as Retry-After says.',
    id: 'Permintaan Anda terlalu cepat: tunggu selama yang disebut Retry-After.',
  },
  OVERLOADED: {
    status: 503,
    retryable: true,
    retryAfterSeconds: 1,
    when: 'more requests are waiting than the service can answer in time; this one was not tried',
    en: 'Too many requests are waiting at this moment: try again in a second.',
    id: 'Terlalu banyak permintaan saat ini: coba kembali sesaat lagi.',
  },
  DEPENDENCY_UNAVAILABLE: {
    status: 503,
    retryable: true,
    retryAfterSeconds: 1,
    when: 'PostgreSQL, or the source of the keys that verify tokens, does not answer; with `"outcome": "unknown"` the request may have taken effect',
    en: 'The service cannot reach a system that it needs at this moment: try again, with the same Idempotency-Key if you sent one.',
    id: 'Layanan tidak dapat menjangkau sistem yang diperlukannya saat ini: coba kembali, dengan Idempotency-Key yang sama bila ada.',
  },
  INTERNAL: {
    status: 500,
    title: 'Internal error',
    when: 'any unexpected error; the answer holds the request id and no reason; of a POST or DELETE that had begun it is retryable and has `"outcome": "unknown"`',
    en: 'Something went wrong on our side: name the request id when you report it.',
    id: 'Terjadi kesalahan di pihak kami: sebutkan id permintaan saat melaporkannya.',
  },
};

/** Every problem by its code; `detail` tells the buyer what happened and what to do. */
export const problems = Object.fromEntries(
  Object.entries(rows).map(([code, { en, id, title = inWords(code), retryable = false, ...row }]) => [
    code,
    { ...row, title, retryable, detail: { en, id } },
  ]),
) as Readonly<Record<ProblemCode, ProblemDefinition>>;

type ProblemDefinition = Omit<ProblemRow, 'en' | 'id' | 'title' | 'retryable'> & {
  readonly title: string;
  readonly retryable: boolean;
  readonly detail: Sentence;
};

function inWords(code: string): string {
  return code[0] + code.slice(1).toLowerCase().replaceAll('_', ' ');
}

/** Every problem as a Markdown table. */
export function problemTable(): string {
  const cells = Object.entries(problems).map(
    ([code, { status, retryable, retryAfterSeconds, when, detail }]) => {
      const retry = retryAfterSeconds === undefined ? '' : `, \`Retry-After: ${retryAfterSeconds}\``;
      return [`\`${code}\``, String(status), (retryable ? 'yes' : 'no') + retry, when, detail.en, detail.id];
    },
  );
  const header = ['code', 'status', 'retryable', 'when', 'detail (en)', 'detail (id)'];
  return [header, header.map(() => '---'), ...cells].map((row) => `| ${row.join(' | ')} |\n`).join('');
}
