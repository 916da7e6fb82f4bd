import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import fastify, { type FastifyBaseLogger, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { parseCidrList } from '../config/cidr-list.ts';
import { answerFault } from '../faults/answer-fault.ts';
import { sentences } from '../faults/sentences.ts';
import { ServiceFault } from '../faults/service-fault.ts';
import { addApiDocs, type ApiDocsOptions } from '../openapi/add-api-docs.ts';
import { addCors } from './add-cors.ts';
import { addOptions } from './add-options.ts';
import { createClientErrorHandler } from './answer-client-error.ts';
import { trackConnections, type ConnectionTracker } from './connection-tracker.ts';
import { addHealthRoutes, type FaultyPart, type ReadinessCheck } from './health-routes.ts';
import type { HttpService } from './http-service.ts';
import { addMetricsRoute } from './metrics-route.ts';
import { requestIdOf } from './request-id.ts';
import { RequestLogController } from './request-log-controller.ts';
import { createRequestObserver } from './request-observer.ts';
import { createValidatorCompiler } from './validator-compiler.ts';
import { websocketMessage } from './websocket-message.ts';

export interface HttpServiceOptions {
  readonly logger: Logger;
  /** The metrics of this service; one registry belongs to one HTTP service. */
  readonly registry: Registry;
  /** The parts without which `/health/ready` says 503. */
  readonly readiness: readonly ReadinessCheck[];
  /** The parts that are not well and can be done without for now: `/health/ready` says `degraded`. Must not wait. */
  readonly faultyParts?: () => readonly FaultyPart[];
  /** Aborted when the service begins to stop: `/health/ready` says so, and connections are let go. */
  readonly stopping?: AbortSignal;
  /** TRUSTED_PROXIES: whose word on the address of a client is taken; nobody's by default. */
  readonly trustedProxies?: string | undefined;
  /** Bytes that a body may have, unless its route says otherwise; 16 KiB by default. */
  readonly bodyLimit?: number;
  /** Whether there is a WebSocket at a path; by default there is none. */
  readonly isUpgraded?: (path: string) => boolean;
  /** Shown by `/docs` and `/docs/json`; a service without it has neither. */
  readonly docs?: ApiDocsOptions;
  /** ALLOWED_ORIGINS: whose pages may call this service; by default nobody's. */
  readonly allowedOrigins?: readonly string[] | undefined;
}

/** Beyond this a connection is not taken: each costs memory, and a process serves no more at a time. */
const maxConnections = 10_000;
/** A last request on a connection that was thought idle, and plugins that say goodbye, get this long. */
const idleGraceMs = 250;
/** Requests in flight when the closing begins get this long; all but the making of an event need under two seconds. */
const inFlightGraceMs = 5_000;

/**
 * Builds the HTTP side of a service: faults as problem+json, request ids, strict validation, one log line
 * and one measurement per request, `/metrics`, `/health/*`, a quick and lossless close. The app adds its routes.
 */
export function createHttpService(options: HttpServiceOptions): HttpService {
  const { logger, registry, readiness, faultyParts = () => [], stopping, trustedProxies } = options;
  const { bodyLimit = 16 * 1024, isUpgraded, docs, allowedOrigins } = options;
  // Under the type that routes see: Fastify would otherwise spread pino's through every plugin.
  const loggerInstance: FastifyBaseLogger = logger;
  const observe = createRequestObserver(registry);
  let connections: ConnectionTracker;
  let isClosing = false;
  const isStopping = () => isClosing || (stopping?.aborted ?? false);

  const prepare = (request: FastifyRequest, reply: FastifyReply) => {
    observe(request, reply);
    reply.headers({ 'x-request-id': request.id, 'x-content-type-options': 'nosniff' });
  };

  const app: HttpService = fastify({
    loggerInstance,
    logController: new RequestLogController(),
    requestIdHeader: false,
    genReqId: requestIdOf,
    bodyLimit,
    trustProxy: trustedProxies === undefined ? false : parseCidrList(trustedProxies),
    routerOptions: { maxParamLength: 64 },
    // Fastify's own 503 has neither request id nor problem+json; and what arrives while closing can be served.
    return503OnClosing: false,
    requestTimeout: 5_000,
    // Between two bytes of an answer; longer than the longest handler is allowed to think (30 s).
    connectionTimeout: 35_000,
    maxRequestsPerSocket: 10_000,
    // Longer than the 60 s after which load balancers let go, so that the balancer closes first.
    keepAliveTimeout: 72_000,
    http: {
      maxHeaderSize: 8 * 1024,
      headersTimeout: 5_000,
      // Node looks for late requests every 30 s by default.
      connectionsCheckingInterval: 1_000,
      // Node's own answer would have no request id; the hook below looks instead.
      requireHostHeader: false,
      ...(isUpgraded === undefined ? {} : { IncomingMessage: websocketMessage(isUpgraded) }),
    },
    // Errors before routing skip all hooks.
    frameworkErrors: (error, request, reply) => {
      prepare(request, reply);
      answerFault(error, request, reply);
    },
    clientErrorHandler: createClientErrorHandler(() => connections, logger),
  }).withTypeProvider<TypeBoxTypeProvider>();

  app.server.maxConnections = maxConnections;
  connections = trackConnections(app.server);
  // Node would answer 417 without a request id; an unknown expectation may as well be ignored.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));

  app.decorateRequest('faultCode', null);
  app.setValidatorCompiler(createValidatorCompiler());
  // Only JSON is a body; a text/plain body would otherwise reach validation as a string.
  app.removeContentTypeParser('text/plain');

  app.setErrorHandler(answerFault);
  app.setNotFoundHandler(refuseUnknownRoute);
  app.addHook('onRequest', (request, reply, done) => {
    prepare(request, reply);
    const { host } = request.raw.headers;
    if (host !== undefined || request.raw.httpVersion === '1.0') return done();
    done(new ServiceFault('VALIDATION_FAILED', [{ pointer: '', sentence: sentences.hostRequired }]));
  });
  // An unknown route is unknown whatever its body: answered before the body is looked at.
  app.addHook('preParsing', (request, _reply, _payload, done) => {
    if (request.is404) refuseUnknownRoute();
    done();
  });
  app.addHook('onSend', (_request, reply, _payload, done) => {
    // Without this a client that keeps its connection alive holds app.close() up until the time-out.
    if (isStopping()) reply.header('connection', 'close');
    done();
  });
  app.addHook('preClose', (done) => {
    isClosing = true;
    setTimeout(() => connections.cutIdle(), idleGraceMs).unref();
    setTimeout(() => {
      const lost = connections.cutAll();
      if (lost > 0) logger.warn({ lost }, 'requests were cut off because they took too long');
    }, inFlightGraceMs).unref();
    done();
  });

  addCors(app, allowedOrigins);
  addOptions(app);
  if (docs !== undefined) addApiDocs(app, docs);
  // In a scope, and so behind what describes routes.
  app.register(async (scope: HttpService) => {
    addMetricsRoute(scope, registry);
    addHealthRoutes(scope, { readiness, faultyParts, isStopping, logger });
  });
  return app;
}

function refuseUnknownRoute(): never {
  throw new ServiceFault('ROUTE_NOT_FOUND');
}
