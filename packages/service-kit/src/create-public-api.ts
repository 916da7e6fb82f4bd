import { Registry } from 'prom-client';
import type { Logger } from 'pino';
import { authentication } from './auth/authentication.ts';
import type { AuthenticationSettings } from './auth/authentication-settings.ts';
import { createHttpService, type HttpServiceOptions } from './http/create-http-service.ts';
import type { DegradedDependency } from './http/health.ts';
import { namedPlugin, type HttpService } from './http/http-service.ts';
import { idempotencyKeys } from './idempotency/idempotency-keys.ts';
import { overloadShedding } from './limits/overload-shedding.ts';
import { addressLimit, userLimit, type LimitOptions } from './limits/rate-limits.ts';
import { createLogger } from './logging/create-logger.ts';
import { openApiOf, type ApiDocsOptions } from './openapi/api-docs.ts';

/** The verbs of seat-core that health needs. */
export interface HealthyEngine {
  readonly ping: () => Promise<unknown>;
  readonly listDegradedDependencies: () => readonly DegradedDependency[];
}

/** The options of an API that come from its process: configuration, engine, logger. */
export interface PublicApiContext<Engine> extends Pick<
  HttpServiceOptions,
  'registry' | 'stopping' | 'trustedProxies' | 'allowedOrigins'
> {
  readonly logger: Logger;
  readonly core: Engine;
  readonly authentication: AuthenticationSettings;
  readonly limits: Omit<LimitOptions, 'logger'>;
}

/** The options of an API that its code decides. */
export interface PublicApiDefinition extends Pick<HttpServiceOptions, 'isUpgraded' | 'requestTimeoutMs'> {
  readonly docs: ApiDocsOptions;
  readonly routes: (app: HttpService) => void;
}

/** Builds an API that buyers call: the HTTP service, what protects it, and its routes, in an order that Fastify checks. */
export function createPublicApi<Engine extends HealthyEngine>(
  context: PublicApiContext<Engine>,
  { routes, ...definition }: PublicApiDefinition,
): HttpService {
  const { core, authentication: settings, limits, ...service } = context;
  const { logger } = service;
  const app = createHttpService({
    ...service,
    ...definition,
    readiness: [{ name: 'postgresql', check: () => core.ping() }],
    degradedDependencies: () => core.listDegradedDependencies(),
  });
  app.register(overloadShedding);
  app.register(addressLimit, { ...limits, logger });
  app.register(authentication, { settings, logger });
  app.register(userLimit, { ...limits, logger });
  app.register(idempotencyKeys);
  app.register(namedPlugin({ name: 'routes', after: routesAfter, encapsulate: true }, routes));
  return app;
}

const routesAfter = ['overload-shedding', 'user-limit', 'idempotency-keys', 'metrics', 'health'];

/** The OpenAPI document of an API, made without an engine or a port. */
export async function describePublicApi<Engine>(
  createApp: (context: PublicApiContext<Engine>) => HttpService,
): Promise<object> {
  const app = createApp({
    core: {} as Engine,
    authentication: { kind: 'off' },
    limits: { max: 0, windowSeconds: 1 },
    logger: createLogger({ name: 'docs', level: 'silent' }),
    registry: new Registry(),
  });
  try {
    return await openApiOf(app);
  } finally {
    await app.close();
  }
}
