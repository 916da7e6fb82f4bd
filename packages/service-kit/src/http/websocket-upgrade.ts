import { IncomingMessage } from 'node:http';
import type { FastifyReply } from 'fastify';

const asked = Symbol('asked for an upgrade');

/**
 * Makes the request class of a server that upgrades some requests to WebSockets. Node hands every request that asks for
 * any upgrade to the upgrade listener, its body unread; some clients ask for HTTP/2 with each request. With this class
 * only a request for a WebSocket, on a path that has one, is upgraded; every other request is answered as usual.
 *
 * @param isUpgraded whether there is a WebSocket at this path
 */
export function webSocketMessage(isUpgraded: (path: string) => boolean): typeof IncomingMessage {
  class WebSocketMessage extends IncomingMessage {
    declare [asked]: boolean;
  }
  // An accessor of the prototype: Node's own constructor assigns it, before private members exist.
  Object.defineProperty(WebSocketMessage.prototype, 'upgrade', {
    set(this: WebSocketMessage, value: boolean) {
      this[asked] = value;
    },
    get(this: WebSocketMessage): boolean {
      if (!this[asked] || this.method !== 'GET') return false;
      if (this.headers.upgrade?.toLowerCase() !== 'websocket') return false;
      return isUpgraded(this.url?.split('?', 1)[0] ?? '');
    },
  });
  return WebSocketMessage;
}

/**
 * Ends the log line and the measurement of a request that becomes a WebSocket, with status 101. Node's response stays
 * open as long as the connection, and would count as an answer that took hours.
 */
export function endUpgradedRequest(reply: FastifyReply): void {
  reply.raw.statusCode = 101;
  reply.raw.emit('close');
}
