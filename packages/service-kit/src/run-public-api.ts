import type { Static, TObject } from '@sinclair/typebox';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { assertDatabaseFits, type StartedEngine } from './assert-database-fits.ts';
import { readAuthenticationSettings, type authenticationVariables } from './auth/authentication-settings.ts';
import type { commonVariables, limitVariables, originVariables } from './config/common-variables.ts';
import { entriesOf } from './config/variable-formats.ts';
import type { PublicApiContext } from './create-public-api.ts';
import type { HttpService } from './http/http-service.ts';
import type { CounterRedis } from './limits/request-counter.ts';
import { runService } from './run-service.ts';

type PublicApiVariables = typeof commonVariables &
  typeof authenticationVariables &
  typeof limitVariables &
  typeof originVariables;

/** The options of the engine that are the same in every API. */
export interface EngineOptions {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly databasePoolMax: number;
  readonly applicationName: string;
  readonly logger: Logger;
  readonly registry: Registry;
}

export interface RunPublicApiOptions<
  Schema extends TObject,
  Engine extends StartedEngine & AsyncDisposable,
  Redis extends CounterRedis,
> {
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
}

/** Runs the process of an API that buyers call: configuration, engine, app, listening, graceful stop. */
export async function runPublicApi<
  Schema extends TObject & { properties: PublicApiVariables },
  Engine extends StartedEngine & AsyncDisposable,
  Redis extends CounterRedis,
>(options: RunPublicApiOptions<Schema, Engine, Redis>): Promise<void> {
  const { name, configSchema, openEngine, openRedis, closeRedis, createApp, portOf } = options;
  await runService({
    name,
    configSchema,
    start: async ({ config, logger, registry, stopping }) => {
      const common = config as Static<TObject<PublicApiVariables>>;
      const authentication = readAuthenticationSettings(common);
      const { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, DATABASE_POOL_MAX: poolMax } = common;
      const core = await openEngine(
        { databaseUrl, redisUrl, databasePoolMax: poolMax, applicationName: name, logger, registry },
        config,
      );
      await assertDatabaseFits({ engine: core, poolMax, logger });
      // Its own connection: a counter must not wait behind the commands of bookings, nor they behind it.
      const limitRedis = await openRedis({
        redisUrl,
        onConnectionError: (err) => logger.debug({ err, client: 'rate limits' }, 'Redis connection error'),
      });
      const app = createApp(
        {
          core,
          authentication,
          limits: {
            max: common.RATE_LIMIT_MAX,
            windowSeconds: common.RATE_LIMIT_WINDOW_SECONDS,
            redis: limitRedis,
          },
          allowedOrigins:
            common.ALLOWED_ORIGINS === undefined ? undefined : entriesOf(common.ALLOWED_ORIGINS),
          trustedProxies: common.TRUSTED_PROXIES,
          logger,
          registry,
          stopping,
        },
        config,
      );
      return {
        app,
        host: common.HOST,
        port: portOf(config),
        close: [() => closeRedis(limitRedis), () => core[Symbol.asyncDispose]()],
      };
    },
  });
}
