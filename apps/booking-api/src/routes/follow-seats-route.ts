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
import { LiveRooms, type LivePlace, type LiveRoomsOptions } from '../live/live-rooms.ts';

export interface FollowSeatsOptions extends Omit<LiveRoomsOptions, 'core' | 'logger'> {
  /** ALLOWED_ORIGINS; whose pages may follow. Undefined is everybody’s. */
  readonly allowedOrigins?: readonly string[] | undefined;
}

const schema = {
  summary: 'Follow the seats of an event over a WebSocket',
  description:
    'Text messages: first `{ "type": "snapshot", "seq", "version", "seats": [{ "id", "status" }] }` with the seats that are not AVAILABLE, then `{ "type": "changes", "seq", "seats" }` about every 100 ms while something changes; another snapshot when something was missed.',
  params: Type.Object({ eventId: idSchema }),
  response: {
    101: described(Type.Null(), { description: 'The connection is a WebSocket from here on.' }),
    ...problemAnswers,
  },
};

const problems = ['FORBIDDEN', 'EVENT_NOT_FOUND', 'RATE_LIMITED'] as const;

/** Nothing is expected from whoever follows. */
const maxPayload = 1024;
const maxFragments = 16;

/** For whom no place is left. */
const comeAgainSeconds = 5;

const livePath = /^\/api\/v1\/events\/[^/]+\/live$/;

export function isLivePath(path: string): boolean {
  return livePath.test(path);
}

/** `GET /api/v1/events/:eventId/live`: a WebSocket that says which seats are not free, and then each change. */
export function addFollowSeatsRoute(app: HttpService, core: SeatCore, options: FollowSeatsOptions): void {
  const { allowedOrigins, ...roomsOptions } = options;
  const rooms = new LiveRooms({ core, logger: app.log, ...roomsOptions });
  /** Granted before the upgrade. */
  const places = new WeakMap<object, LivePlace>();
  // In a scope of its own: the plugin would answer upgrades of every route.
  app.register(async (scope: HttpService) => {
    await scope.register(fastifyWebsocket, {
      options: {
        maxPayload,
        maxFragments,
        perMessageDeflate: false,
      },
      // What breaks the protocol, or sends more than nothing, is no fault of ours.
      errorHandler: (err, socket, request) => {
        request.log.debug({ err }, 'a live connection broke');
        socket.terminate();
      },
      preClose: (done) => {
        rooms.close();
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
        // No subprotocol is spoken here: ws would agree to the first one, and refuse some in words of its own.
        delete headers['sec-websocket-protocol'];
        if (!isAllowed(headers.origin, allowedOrigins)) throw new HttpError('FORBIDDEN');
        reply.header('retry-after', String(comeAgainSeconds));
        const place = await rooms.admit(params.eventId, addressOf(request));
        places.set(raw, place);
        if (raw.socket.destroyed) place.leave();
        else raw.socket.once('close', place.leave);
        endUpgradedRequest(reply);
      },
      handler: () => Promise.resolve(),
      wsHandler: (socket, { raw }) => places.get(raw)?.follow(socket, raw.socket),
    });
  });
}

const upgradeRequired = {
  en: 'connect with a WebSocket: an upgrade with Sec-WebSocket-Version 13 and a Sec-WebSocket-Key',
  id: 'sambungkan dengan WebSocket: upgrade dengan Sec-WebSocket-Version 13 dan Sec-WebSocket-Key',
} as const;

/** What ws would refuse in words of its own. */
function isHandshake(headers: Readonly<Record<string, unknown>>): boolean {
  const key = headers['sec-websocket-key'];
  return (
    headers['sec-websocket-version'] === '13' && typeof key === 'string' && /^[+/0-9a-z]{22}==$/i.test(key)
  );
}

/** A browser says whose page it is; a program without one says nothing, and could say anything. */
function isAllowed(origin: string | undefined, allowed: readonly string[] | undefined): boolean {
  return allowed === undefined || origin === undefined || allowed.includes(origin);
}
