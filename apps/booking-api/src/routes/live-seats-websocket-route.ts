import fastifyWebsocket from '@fastify/websocket';
import { Type } from '@sinclair/typebox';
import type { SeatCore } from '@ticketing/seat-core';
import {
  addressOf,
  described,
  type HttpService,
  idSchema,
  problemAnswers,
  HttpError,
  endUpgradedRequest,
} from '@ticketing/service-kit';
import { LiveClient } from '../live/live-client.ts';
import { LiveClients, type LiveClientsOptions, type LivePlace } from '../live/live-clients.ts';

export interface LiveSeatsOptions extends Omit<LiveClientsOptions, 'core' | 'logger'> {
  /** ALLOWED_ORIGINS: pages of these origins may connect. Undefined allows every origin. */
  readonly allowedOrigins?: readonly string[] | undefined;
}

const schema = {
  summary: 'Follow the seats of an event over a WebSocket',
  description:
    'Text messages: first `{ "type": "snapshot", "seq", "version", "seats": [{ "id", "status" }] }` with the seats that are not AVAILABLE, then `{ "type": "changes", "seq", "seats" }` about every 100 ms while seats change; another snapshot when changes were missed.',
  params: Type.Object({ eventId: idSchema }),
  response: {
    101: described(Type.Null(), { description: 'The connection is a WebSocket from here on.' }),
    ...problemAnswers,
  },
};

const problems = ['FORBIDDEN', 'EVENT_NOT_FOUND', 'RATE_LIMITED'] as const;

/** Bytes of a message from a client. A client needs to send none. */
const maxPayload = 1024;
const maxFragments = 16;

/** `Retry-After` when no place is left. */
const retryAfterSeconds = 5;

const livePath = /^\/api\/v1\/events\/[^/]+\/live$/;

export function isLivePath(path: string): boolean {
  return livePath.test(path);
}

/** `GET /api/v1/events/:eventId/live`: a WebSocket that sends the seats that are not free, and then each change. */
export function addLiveSeatsWebsocketRoute(
  app: HttpService,
  core: SeatCore,
  options: LiveSeatsOptions,
): void {
  const { allowedOrigins, ...clientsOptions } = options;
  const clients = new LiveClients({ core, logger: app.log, ...clientsOptions });
  /** By raw request: granted before the upgrade, used after it. */
  const places = new WeakMap<object, LivePlace>();
  // In a scope of its own: the plugin would answer upgrades of every route.
  app.register(async (scope: HttpService) => {
    await scope.register(fastifyWebsocket, {
      options: {
        maxPayload,
        maxFragments,
        perMessageDeflate: false,
      },
      // A client that breaks the protocol or sends too much is no error of this service.
      errorHandler: (err, socket, request) => {
        request.log.debug({ err }, 'live client broke the WebSocket protocol');
        socket.terminate();
      },
      preClose: (done) => {
        clients.close();
        done();
      },
    });
    scope.route({
      method: 'GET',
      url: '/api/v1/events/:eventId/live',
      schema,
      exposeHeadRoute: false,
      config: { access: 'public', problems },
      preHandler: async (request, reply) => {
        const { params, headers, raw } = request;
        await core.getEvent(params);
        if (!request.ws || !isHandshake(headers))
          throw new HttpError('VALIDATION_FAILED', [{ pointer: '', sentence: upgradeRequired }]);
        // The feed speaks no subprotocol: ws would agree to the first one, and refuse some in its own words.
        delete headers['sec-websocket-protocol'];
        if (!isAllowed(headers.origin, allowedOrigins)) throw new HttpError('FORBIDDEN');
        reply.header('retry-after', String(retryAfterSeconds));
        const place = await clients.admit(params.eventId, addressOf(request));
        places.set(raw, place);
        if (raw.socket.destroyed) place.leave();
        else raw.socket.once('close', place.leave);
        endUpgradedRequest(reply);
      },
      handler: () => Promise.resolve(),
      wsHandler: (socket, { raw }) => {
        places.get(raw)?.follow(new LiveClient(socket, raw.socket, clients.clientOptions));
      },
    });
  });
}

const upgradeRequired = {
  en: 'connect with a WebSocket: an upgrade with Sec-WebSocket-Version 13 and a Sec-WebSocket-Key',
  id: 'sambungkan dengan WebSocket: upgrade dengan Sec-WebSocket-Version 13 dan Sec-WebSocket-Key',
} as const;

/** ws would refuse an incomplete handshake in its own words. */
function isHandshake(headers: Readonly<Record<string, unknown>>): boolean {
  const key = headers['sec-websocket-key'];
  return (
    headers['sec-websocket-version'] === '13' && typeof key === 'string' && /^[+/0-9a-z]{22}==$/i.test(key)
  );
}

/** A browser sends the origin of its page. A program that is no browser may omit it or send any. */
function isAllowed(origin: string | undefined, allowed: readonly string[] | undefined): boolean {
  return allowed === undefined || origin === undefined || allowed.includes(origin);
}
