import type { IncomingMessage } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { compile } from '@fastify/proxy-addr';
import type { FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';
import type { Logger } from 'pino';
import { entriesOf } from '../config/variable-formats.ts';
import { namedPlugin } from './http-service.ts';

declare module 'fastify' {
  interface FastifyInstance {
    readClientAddress: (request: IncomingMessage) => string;
  }
}

interface ClientAddressOptions {
  /** TRUSTED_PROXIES; undefined trusts none. */
  readonly trustedProxies: string | undefined;
  readonly logger: Logger;
}

/**
 * The address that a request counts for. Of IPv6 the first 64 bits count: a client can choose the rest.
 *
 * @returns an address, or `unreadable behind <address of a trusted proxy>`; never the text of a forged header
 */
export function addressOf({ server, raw }: FastifyRequest): string {
  return server.readClientAddress(raw);
}

/**
 * Reads the address of a client: of its connection or, where that is a trusted proxy, the last entry of
 * `X-Forwarded-For` that is none. Fastify's own `request.ip` is not set for it: it keeps the port that some proxies add.
 */
export const clientAddress = namedPlugin<ClientAddressOptions>(
  { name: 'client-address', after: [] },
  (app, { trustedProxies, logger }) => {
    const isTrusted = trustedProxies === undefined ? () => false : compile(entriesOf(trustedProxies));
    let isReported = false;
    const peers = new WeakMap<Socket, { readonly address: string; readonly client: string }>();
    const peerOf = (socket: Socket) => {
      let peer = peers.get(socket);
      if (peer === undefined) {
        const address = readAddress(socket.remoteAddress ?? '') ?? '';
        peer = { address, client: clientOf(address) };
        peers.set(socket, peer);
      }
      return peer;
    };

    app.decorate('readClientAddress', ({ socket, headers }) => {
      const peer = peerOf(socket);
      // Node joins several of these headers with a comma.
      const forwarded = headers['x-forwarded-for'] as string | undefined;
      if (forwarded === undefined) return peer.client;
      let { address } = peer;
      for (const hop of forwarded.split(',').toReversed()) {
        if (!isTrusted(address, 0)) break;
        const next = readAddress(hop);
        // An entry further left was written by the client: an entry that is empty counts as well.
        if (next === undefined) {
          if (!isReported) {
            logger.warn(
              { proxy: address, entry: hop.slice(0, 64) },
              'X-Forwarded-For of a trusted proxy holds no address: the rate limits count all such clients as one',
            );
          }
          isReported = true;
          return `unreadable behind ${clientOf(address)}`;
        }
        address = next;
      }
      return clientOf(address);
    });
  },
);

/** Of IPv6 the network of 64 bits, of which a client has all addresses; an IPv4 address in its IPv6 form is that address. */
function clientOf(address: string): string {
  if (address === '') return address;
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  return new ipaddr.IPv6([...parsed.parts.slice(0, 4), 0, 0, 0, 0]).toString();
}

const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/;
const withPort = /^(.*):\d{1,5}$/;

/** @returns the address of an entry, without quotes, brackets, port and zone; undefined when it holds none */
function readAddress(entry: string): string | undefined {
  const text = entry.trim().replace(/^"(.*)"$/, '$1');
  const inBrackets = bracketed.exec(text)?.[1];
  return [inBrackets ?? text, withPort.exec(text)?.[1] ?? '']
    .map((candidate) => candidate.replace(/%.*$/, ''))
    .find((candidate) => isIP(candidate) !== 0);
}
