import { IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';

const asked = Symbol('asked for an upgrade');
const verdict = Symbol('whether it is upgraded');
const routed = Symbol('has reached a route');

interface UpgradeMessage extends IncomingMessage {
  readonly upgrade?: boolean;
  [asked]?: boolean;
  [verdict]?: boolean;
  [routed]?: boolean;
}

export interface UpgradeRules {
  /** Whether there is a WebSocket at a path. */
  readonly isUpgraded: (path: string) => boolean;
  /** Whether a connection owes the answer to an earlier request: that answer could not be sent any more. */
  readonly owesAnswer: (socket: Socket) => boolean;
}

/**
 * Makes the request class of a server that upgrades some requests to WebSockets. Node hands every request that asks for
 * any upgrade to the upgrade listener, its body unread; some clients ask for HTTP/2 with each request. With this class
 * only a handshake on a path that has a WebSocket is upgraded; every other request is answered as usual.
 */
export function webSocketMessage(rules: UpgradeRules): typeof IncomingMessage {
  class WebSocketMessage extends IncomingMessage {}
  // An accessor of the prototype: Node's own constructor assigns it, before private members exist.
  Object.defineProperty(WebSocketMessage.prototype, 'upgrade', {
    set(this: UpgradeMessage, value: boolean) {
      this[asked] = value;
    },
    get(this: UpgradeMessage): boolean {
      if (this[asked] !== true) return false;
      // Decided once, when the headers are there: Node reads it again with each chunk that follows.
      return (this[verdict] ??= isHandshake(this, rules));
    },
  });
  return WebSocketMessage;
}

function isHandshake(request: IncomingMessage, { isUpgraded, owesAnswer }: UpgradeRules): boolean {
  const { method, headers, httpVersionMinor, url = '', socket } = request;
  if (method !== 'GET' || !asksForWebSocket(request) || httpVersionMinor < 1) return false;
  // A WebSocket would take a body for its first messages.
  if ('transfer-encoding' in headers || (headers['content-length'] ?? '0') !== '0') return false;
  return isUpgraded(url.split('?', 1)[0] ?? '') && !owesAnswer(socket);
}

function asksForWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}

/** Node owns no socket of an upgrade any more: one that reaches no route is destroyed here. */
export function destroyUnroutedUpgrades(server: Server): void {
  server.on('upgrade', (request: UpgradeMessage, socket: Socket) => {
    // Behind all listeners, which route the request at once.
    process.nextTick(() => {
      if (request[routed] !== true) socket.destroy();
    });
  });
}

/** Ends the connection of a request for a WebSocket that gets an answer instead; Node would leave an upgraded one open. */
export function closeAnsweredUpgrade({ raw }: FastifyRequest, reply: FastifyReply): void {
  const request: UpgradeMessage = raw;
  if (request[asked] !== true || !asksForWebSocket(request)) return;
  request[routed] = true;
  reply.header('connection', 'close');
  if (request.upgrade) reply.raw.once('finish', () => request.socket.destroySoon());
}

/**
 * Ends the log line and the measurement of a request that becomes a WebSocket, with status 101. Node's response stays
 * open as long as the connection, and would count as an answer that took hours.
 */
export function endUpgradedRequest(reply: FastifyReply): void {
  reply.raw.statusCode = 101;
  reply.raw.emit('close');
}
