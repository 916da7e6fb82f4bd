import { randomUUID } from 'node:crypto';
import { expectProblem, type Answer } from '@ticketing/testkit';
import { startEchoServer, type Arrival } from './echo-server.ts';
import { startGateway, type Gateway } from '../src/start-gateway.ts';
import { makeRunFolder } from './run-folder.ts';

export async function ask(url: string, init: RequestInit = {}): Promise<Answer<Arrival>> {
  const response = await fetch(url, init);
  return { status: response.status, headers: response.headers, body: (await response.json()) as Arrival };
}

/** @returns where a client follows an event */
export function liveUrl({ url }: Gateway): string {
  return `${url.replace('http', 'ws')}/api/v1/events/${randomUUID()}/live`;
}

export async function startInFrontOf(
  bookingPorts: readonly number[],
  paymentPorts: readonly number[] = [1],
  edit?: (text: string) => string,
): Promise<Gateway> {
  const folder = await makeRunFolder('gateway');
  return startGateway({ folder, bookingPorts, paymentPorts, ...(edit && { edit }) });
}

export const unavailable = { status: 503, code: 'DEPENDENCY_UNAVAILABLE', retryable: true };

/** A service that took a request and did not answer may have done it: the client has to know. */
export async function expectUnknownOutcome(
  manner: 'silence' | 'hang-up',
  edit?: (text: string) => string,
): Promise<void> {
  await using service = await startEchoServer('booking-api', manner);
  await using gateway = await startInFrontOf([service.port], [1], edit);
  const answer = await ask(`${gateway.url}/api/v1/booking`, { method: 'POST' });
  expectProblem(answer, { ...unavailable, outcome: 'unknown' });
}
