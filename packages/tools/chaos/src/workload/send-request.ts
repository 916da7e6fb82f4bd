import { randomUUID } from 'node:crypto';
import { now, type Operation, type OperationResult } from '../history.ts';

export interface RequestToSend extends Pick<Operation, 'kind' | 'userId' | 'seatIds' | 'bookingId' | 'key'> {
  readonly member: { readonly label: string; readonly url: string };
  /** Default 4 s: longer than any time limit of the engine. */
  readonly timeoutMs?: number;
}

/** Sends one request and records what a client can know of it. Never rejects. */
export async function sendRequest({
  member,
  timeoutMs = 4_000,
  ...request
}: RequestToSend): Promise<Operation> {
  const id = randomUUID();
  const invokedAt = now();
  const result = await exchange(request, member.url, id, timeoutMs);
  const completedAt = result.kind === 'unknown' ? Number.POSITIVE_INFINITY : now();
  return { ...request, id, member: member.label, invokedAt, completedAt, result };
}

async function exchange(
  { kind, userId, seatIds, bookingId, key }: Omit<RequestToSend, 'member'>,
  url: string,
  id: string,
  timeoutMs: number,
): Promise<OperationResult> {
  const [method, path] = {
    hold: ['POST', '/api/v1/booking'],
    confirm: ['POST', `/api/v1/payment/${bookingId}/confirm`],
    release: ['DELETE', `/api/v1/booking/${bookingId}`],
  }[kind] as [string, string];
  const headers: Record<string, string> = { 'x-request-id': id };
  if (key !== undefined) headers['idempotency-key'] = key;
  const init: RequestInit = { method, headers, signal: AbortSignal.timeout(timeoutMs) };
  if (kind === 'hold') {
    headers['content-type'] = 'application/json';
    init.body = JSON.stringify({ seatIds, userId });
  }
  try {
    const response = await fetch(`${url}${path}`, init);
    return toResult(response, await response.text());
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return { kind: 'unknown', why: String(cause) };
  }
}

function toResult({ status, headers }: Response, text: string): OperationResult {
  const isReplay = headers.get('idempotency-replayed') === 'true';
  if (status < 300) return { kind: 'done', status, text, isReplay };
  const { code, outcome } = JSON.parse(text) as { code: string; outcome?: string };
  // An unforeseen error does not say what was done before it.
  const isUnknown = outcome === 'unknown' || code === 'INTERNAL';
  return isUnknown
    ? { kind: 'unknown', why: `${status} ${code}`, code }
    : { kind: 'refused', code, isReplay };
}
