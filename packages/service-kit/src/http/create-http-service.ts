import type { Socket } from 'node:net';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import fastify, { type FastifyBaseLogger } from 'fastify';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { RequestLogger } from '../logging/request-logger.ts';
import { createRequestObserver, RequestLogController } from '../logging/request-log.ts';
import { apiDocs, type ApiDocsOptions } from '../openapi/api-docs.ts';
import { answerProblem, problemHandlers } from '../problems/problem-handlers.ts';
import { clientAddress } from './client-address.ts';
import { createClientErrorHandler } from './client-errors.ts';
import { connectionClosing, trackConnections, type ConnectionTracker } from './connections.ts';
import { cors } from './cors.ts';
import { health, type DegradedDependency, type ReadinessCheck } from './health.ts';
import type { HttpService } from './http-service.ts';
import { jsonBodies } from './json-bodies.ts';
import { metrics } from './metrics.ts';
import { beginRequest, requestContext, requestIdOf } from './request-context.ts';
import { createValidatorCompiler } from './request-validation.ts';
import { unsentAnswers, type UnsentAnswersBounds } from './unsent-answers.ts';
import { strictQueries } from './strict-queries.ts';
import { destroyUnroutedUpgrades, webSocketMessage } from './websocket-upgrade.ts';

export interface HttpServiceOptions {
  readonly logger: Logger;
  /** The metrics of this service; one registry belongs to one HTTP service. */
  readonly registry: Registry;
  /** The dependencies without which `/health/ready` says 503. */
  readonly readiness: readonly ReadinessCheck[];
  /** The dependencies that do not work and that the service can do without: `/health/ready` says `degraded`. No I/O. */
  readonly degradedDependencies?: () => readonly DegradedDependency[];
  /** Aborted when the service begins to stop: `/health/ready` says so, and connections are closed. */
  readonly stopping?: AbortSignal;
  /** TRUSTED_PROXIES: the proxies whose `X-Forwarded-For` counts; by default none. */
  readonly trustedProxies?: string | undefined;
  /** Bytes that a body may have, unless its route sets `bodyLimit`; 16 KiB by default. */
  readonly bodyLimit?: number;
  /** Milliseconds until a request must have arrived; 5,000 by default. */
  readonly requestTimeoutMs?: number;
  /** Of answers that clients have not read; for tests. */
  readonly unsentAnswers?: Partial<UnsentAnswersBounds>;
  /** Whether there is a WebSocket at a path; by default there is none. */
  readonly isUpgraded?: ((path: string) => boolean) | undefined;
  /** Shown by `/docs` and `/docs/json`; a service without it has neither. */
  readonly docs?: ApiDocsOptions;
  /** ALLOWED_ORIGINS: the origins whose pages may call this service; by default none. */
  readonly allowedOrigins?: readonly string[] | undefined;
}

/** Each connection costs memory, and a process serves no more than this many at a time. */
const maxConnections = 10_000;

/** Of the request line and all headers together. */
const maxHeaderBytes = 16 * 1024;

/**
 * Builds the HTTP side of a service: problem+json, request ids, strict validation, one log line and one measurement per
 * request, `/metrics`, `/health/*`, a quick close without lost requests. The app registers its routes as a plugin, after it.
 */
export function createHttpService(options: HttpServiceOptions): HttpService {
  const { logger, registry, readiness, degradedDependencies = () => [], stopping, trustedProxies } = options;
  const { bodyLimit = 16 * 1024, requestTimeoutMs = 5_000, isUpgraded, docs, allowedOrigins } = options;
  // Under the type that routes see: Fastify would otherwise spread pino's through every plugin.
  const loggerInstance: FastifyBaseLogger = logger;
  const observe = createRequestObserver(registry, loggerInstance);
  let connections: ConnectionTracker;
  const owesAnswer = (socket: Socket) => connections.countOwedOn(socket) > 0;

  const app: HttpService = fastify({
    loggerInstance,
    logController: new RequestLogController(),
    childLoggerFactory: (parent, bindings, childOptions) => new RequestLogger(parent, bindings, childOptions),
    requestIdHeader: false,
    genReqId: requestIdOf,
    bodyLimit,
    routerOptions: { maxParamLength: 64 },
    // Fastify's own 503 has neither request id nor problem+json, and a request that arrives during the close can be served.
    return503OnClosing: false,
    requestTimeout: requestTimeoutMs,
    // Between two bytes of an answer; longer than the slowest handler may take (30 s).
    connectionTimeout: 35_000,
    maxRequestsPerSocket: 10_000,
    // Longer than the 60 s after which load balancers close idle connections: the balancer closes first.
    keepAliveTimeout: 72_000,
    http: {
      // A token with many claims or groups has 12 KiB and more; the gateway takes as much.
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: 5_000,
      // Node looks for late requests every 30 s by default.
      connectionsCheckingInterval: 1_000,
      // Node's own answer would have no request id; the request context checks instead.
      requireHostHeader: false,
      ...(isUpgraded && { IncomingMessage: webSocketMessage({ isUpgraded, owesAnswer }) }),
    },
    frameworkErrors: (error, request, reply) => {
      beginRequest(request, reply, observe);
      answerProblem(error, request, reply);
    },
    clientErrorHandler: createClientErrorHandler(() => connections, logger),
  }).withTypeProvider<TypeBoxTypeProvider>();

  app.server.maxConnections = maxConnections;
  connections = trackConnections(app.server);
  if (isUpgraded !== undefined) destroyUnroutedUpgrades(app.server);
  // Node would answer 417 without a request id; an unknown expectation may as well be ignored.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));
  app.setValidatorCompiler(createValidatorCompiler());

  app.register(problemHandlers);
  app.register(unsentAnswers, { connections, registry, bounds: options.unsentAnswers });
  app.register(requestContext, { observe });
  app.register(clientAddress, { trustedProxies, logger });
  app.register(jsonBodies);
  app.register(connectionClosing, { connections, stopping, logger });
  app.register(cors, { allowedOrigins });
  if (docs !== undefined) app.register(apiDocs, docs);
  app.register(metrics, { registry });
  app.register(health, { readiness, degradedDependencies, logger });
  app.register(strictQueries);
  return app;
}
