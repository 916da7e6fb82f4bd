import { IncomingMessage } from 'node:http';

const asked = Symbol('asked for an upgrade');

/**
 * Makes the class of requests for a server that upgrades some of them to WebSockets. Node hands every request that
 * asks for any upgrade to whoever listens for one, its body unread; some clients ask for HTTP/2 with each of theirs.
 * With this class only those that mean a WebSocket, and where there is one, are upgraded, and all others answered.
 *
 * @param isUpgraded whether there is a WebSocket at this path
 */
export function websocketMessage(isUpgraded: (path: string) => boolean): typeof IncomingMessage {
  class WebSocketMessage extends IncomingMessage {
    declare [asked]: boolean;
  }
  // An accessor of the prototype, because Node's own constructor assigns it, before there are private members.
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
