import { randomUUID } from 'node:crypto';
import { now } from '../clock.ts';
import type { Operation, OperationResult } from '../history.ts';

export interface RequestToSend extends Pick<Operation, 'kind' | 'userId' | 'seatIds' | 'bookingId' | 'key'> {
  readonly member: { readonly label: string; readonly url: string };
}

/** Longer than any budget of the engine: what has not answered by then says nothing. */
const patienceMs = 4_000;

/** Sends one request as a client would, and records what it can know of it. Never rejects. */
export async function sendRequest(request: RequestToSend): Promise<Operation> {
  const { kind, userId, seatIds, bookingId, key, member } = request;
  const id = randomUUID();
  const invokedAt = now();
  const result = await ask(request, id);
  return {
    id,
    kind,
    userId,
    member: member.label,
    seatIds,
    bookingId,
    key,
    invokedAt,
    completedAt: result.kind === 'unknown' ? Number.POSITIVE_INFINITY : now(),
    result,
  };
}

async function ask(request: RequestToSend, id: string): Promise<OperationResult> {
  const { kind, userId, seatIds, bookingId, key, member } = request;
  const [method, path] = {
    hold: ['POST', '/api/v1/booking'],
    confirm: ['POST', `/api/v1/payment/${bookingId}/confirm`],
    release: ['DELETE', `/api/v1/booking/${bookingId}`],
  }[kind] as [string, string];
  const headers: Record<string, string> = { 'x-request-id': id };
  if (key !== undefined) headers['idempotency-key'] = key;
  const init: RequestInit = { method, headers, signal: AbortSignal.timeout(patienceMs) };
  if (kind === 'hold') {
    headers['content-type'] = 'application/json';
    init.body = JSON.stringify({ seatIds, userId });
  }
  try {
    const response = await fetch(`${member.url}${path}`, init);
    return judge(
      response.status,
      await response.text(),
      response.headers.get('idempotency-replayed') === 'true',
    );
  } catch (error) {
    return { kind: 'unknown', why: reasonOf(error) };
  }
}

function judge(status: number, text: string, isReplay: boolean): OperationResult {
  if (status < 300) return { kind: 'done', status, text, isReplay };
  const { code, outcome } = JSON.parse(text) as { code: string; outcome?: string };
  // A fault that nobody foresaw says nothing of what was done before it.
  if (outcome === 'unknown' || code === 'INTERNAL')
    return { kind: 'unknown', why: `${status} ${code}`, code };
  return { kind: 'refused', status, code, text, isReplay };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : error.name;
}
