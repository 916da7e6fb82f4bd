import { Registry } from 'prom-client';
import type { Logger } from 'pino';
import { authentication } from './auth/authentication.ts';
import { checkIdentityProvider } from './auth/check-identity-provider.ts';
import { createTokenVerifier } from './auth/token-verifier.ts';
import {
  type AuthenticationSettings,
  readAuthenticationSettings,
  type authenticationVariables,
} from './auth/authentication-settings.ts';
import { createHttpService, type HttpServiceOptions } from './http/create-http-service.ts';
import type { DegradedDependency } from './http/health.ts';
import { namedPlugin, type HttpService } from './http/http-service.ts';
import { idempotencyKeys } from './idempotency/idempotency-keys.ts';
import { overloadShedding } from './limits/overload-shedding.ts';
import { addressLimit, userLimit, type LimitOptions } from './limits/rate-limits.ts';
import type { CounterRedis } from './limits/redis-counter.ts';
import { createLogger } from './logging/logger.ts';
import { openApiOf, type ApiDocsOptions } from './openapi/api-docs.ts';
import type { Static, TObject } from '@sinclair/typebox';
import { assertInstallation, type InstallationQuestion } from './assert-installation.ts';
import { runService, type ServiceContext } from './run-service.ts';
import type { commonVariables, limitVariables, originVariables } from './config/common-variables.ts';
import { entriesOf } from './config/variable-formats.ts';

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
  const { logger, registry } = service;
  const tokens = createTokenVerifier(settings, { logger, registry });
  const app = createHttpService({
    ...service,
    ...definition,
    readiness: [{ name: 'postgresql', check: () => core.ping() }],
    degradedDependencies: () => [
      ...core.listDegradedDependencies(),
      ...(tokens?.listDegradedDependencies() ?? []),
    ],
  });
  app.register(overloadShedding);
  app.register(addressLimit, { ...limits, logger });
  app.register(authentication, { tokens, logger });
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

type PublicApiVariables = typeof commonVariables &
  typeof authenticationVariables &
  typeof limitVariables &
  typeof originVariables;

/** The options of the engine that are the same in every API. */
interface EngineOptions extends Pick<ServiceContext<unknown>, 'logger' | 'registry'> {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly redisKeyPrefix: string;
  readonly databasePoolMax: number;
  readonly applicationName: string;
}

/** The verb of seat-core that the start needs. */
export interface CheckedEngine {
  readonly checkInstallation: InstallationQuestion;
}

/** Runs the process of an API that buyers call: configuration, engine, app, listening, graceful stop. */
export async function runPublicApi<
  Schema extends TObject & { properties: PublicApiVariables },
  Engine extends CheckedEngine & AsyncDisposable,
  Redis extends CounterRedis,
>(options: {
  readonly name: string;
  readonly configSchema: Schema;
  readonly openEngine: (options: EngineOptions, config: Readonly<Static<Schema>>) => Promise<Engine>;
  readonly openRedis: (options: {
    redisUrl: string;
    onConnectionError: (err: Error) => void;
  }) => Promise<Redis>;
  readonly closeRedis: (redis: Redis) => unknown;
  readonly createApp: (context: PublicApiContext<Engine>, config: Readonly<Static<Schema>>) => HttpService;
  readonly portOf: (config: Readonly<Static<Schema>>) => number;
}): Promise<void> {
  const { name, configSchema, openEngine, openRedis, closeRedis, createApp, portOf } = options;
  await runService({
    name,
    configSchema,
    start: async ({ config, ...process }) => {
      const { logger } = process;
      const common = config as Static<TObject<PublicApiVariables>>;
      const settings = readAuthenticationSettings(common);
      const { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, DATABASE_POOL_MAX: poolMax } = common;
      const core = await openEngine(
        {
          databaseUrl,
          redisUrl,
          redisKeyPrefix: common.REDIS_KEY_PREFIX,
          databasePoolMax: poolMax,
          applicationName: name,
          logger,
          registry: process.registry,
        },
        config,
      );
      // That authentication is off, its own plugin says.
      const identityProvider = settings.kind === 'off' ? [] : [() => checkIdentityProvider(settings)];
      await assertInstallation([() => core.checkInstallation(), ...identityProvider], logger);
      // Its own connection: a counter must not wait behind the commands of bookings, nor they behind it.
      const redis = await openRedis({
        redisUrl,
        onConnectionError: (err) => logger.debug({ err, client: 'rate limits' }, 'Redis connection error'),
      });
      const {
        RATE_LIMIT_MAX: max,
        RATE_LIMIT_STAFF_MAX: staffMax,
        RATE_LIMIT_WINDOW_SECONDS: windowSeconds,
        REDIS_KEY_PREFIX: keyPrefix,
        ALLOWED_ORIGINS: origins,
      } = common;
      const context = {
        ...process,
        core,
        authentication: settings,
        limits: { max, staffMax, windowSeconds, redis, keyPrefix },
        allowedOrigins: origins === undefined ? undefined : entriesOf(origins),
        trustedProxies: common.TRUSTED_PROXIES,
      };
      return {
        app: createApp(context, config),
        host: common.HOST,
        port: portOf(config),
        close: [() => closeRedis(redis), () => core[Symbol.asyncDispose]()],
      };
    },
  });
}
