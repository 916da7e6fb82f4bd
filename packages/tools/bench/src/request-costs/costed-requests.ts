import { withLargestBody, type Crowd } from './crowd.ts';

/** A request whose cost is told. */
export interface CostedRequest {
  readonly title: string;
  /** `organizer`: with the token of one. All others are anonymous. */
  readonly access?: 'organizer';
  readonly service?: 'payment-api';
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The request is the handshake of a live connection, and its answer the first message. */
  readonly isLive?: true;
  /** Nothing is kept of earlier answers: a seat changes, or time passes, before each request. */
  readonly cold?: 'a seat changed' | 'a second later';
}

const healthAndDocs = ['/health/live', '/health/ready', '/metrics', '/docs', '/docs/json'];
const unknownId = '01a2082d-747f-713a-9652-f2ba91487561';

/** Every anonymous route of the two APIs, with the largest answer that it can have, and what an organizer may send. */
export function costedRequests({ eventId }: Crowd): CostedRequest[] {
  const event = `/api/v1/events/${eventId}`;
  const available = '/api/v1/seats/available?limit=100';
  const compressed = (encoding: string) => ({ headers: { 'accept-encoding': encoding } });
  return [
    ...healthAndDocs.map((path) => ({ title: path, path })),
    { title: 'events, limit=100', path: '/api/v1/events?limit=100' },
    { title: 'events, limit=100', path: '/api/v1/events?limit=100', cold: 'a second later' },
    { title: 'event', path: event },
    { title: 'event', path: event, cold: 'a second later' },
    { title: 'free seats of all events', path: available },
    { title: 'free seats of all events', path: available, cold: 'a second later' },
    { title: 'free seats of an event', path: `${available}&eventId=${eventId}`, cold: 'a second later' },
    ...['identity', 'gzip', 'br'].flatMap((encoding) => [
      { title: `map, ${encoding}`, path: `${event}/seats`, ...compressed(encoding) },
      {
        title: `map, ${encoding}`,
        path: `${event}/seats`,
        ...compressed(encoding),
        cold: 'a seat changed' as const,
      },
    ]),
    { title: 'map, not modified', path: `${event}/seats`, headers: { 'if-none-match': '*' } },
    {
      title: 'map, not modified',
      path: `${event}/seats`,
      headers: { 'if-none-match': '*' },
      cold: 'a seat changed',
    },
    { title: 'live, half of the seats held', path: `${event}/live`, isLive: true },
    { title: 'live, unknown event', path: `/api/v1/events/${unknownId}/live`, isLive: true },
    { title: 'map, unknown event', path: `/api/v1/events/${unknownId}/seats` },
    { title: 'events, bad limit', path: '/api/v1/events?limit=0x2' },
    { title: 'unknown route', path: '/nothing' },
    { title: 'hold', method: 'POST', path: '/api/v1/booking', body: withLargestBody.hold },
    { title: 'event, 16 MiB', method: 'POST', path: '/api/v1/events', body: withLargestBody.badEvent },
    ...healthAndDocs.map((path) => ({ title: path, path, service: 'payment-api' as const })),
    {
      title: 'confirm',
      service: 'payment-api',
      method: 'POST',
      path: `/api/v1/payment/${unknownId}/confirm`,
      body: '{}',
    },
    {
      title: 'hold, bad body of 16 KiB',
      access: 'organizer',
      method: 'POST',
      path: '/api/v1/booking',
      body: withLargestBody.hold,
    },
    {
      title: 'event, bad rows, 16 MiB',
      access: 'organizer',
      method: 'POST',
      path: '/api/v1/events',
      body: withLargestBody.badEvent,
    },
    {
      title: 'event of 100,000 seats',
      access: 'organizer',
      method: 'POST',
      path: '/api/v1/events',
      body: withLargestBody.event,
    },
  ];
}
