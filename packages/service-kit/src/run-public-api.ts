import type { Static, TObject } from '@sinclair/typebox';
import { assertDatabaseFits, type StartedEngine } from './assert-database-fits.ts';
import { readAuthenticationSettings, type authenticationVariables } from './auth/authentication-settings.ts';
import type { commonVariables, limitVariables, originVariables } from './config/common-variables.ts';
import { entriesOf } from './config/variable-formats.ts';
import type { PublicApiContext } from './create-public-api.ts';
import type { HttpService } from './http/http-service.ts';
import type { CounterRedis } from './limits/request-counter.ts';
import { runService, type ServiceContext } from './run-service.ts';

type PublicApiVariables = typeof commonVariables &
  typeof authenticationVariables &
  typeof limitVariables &
  typeof originVariables;

/** The options of the engine that are the same in every API. */
interface EngineOptions extends Pick<ServiceContext<unknown>, 'logger' | 'registry'> {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly databasePoolMax: number;
  readonly applicationName: string;
}

/** Runs the process of an API that buyers call: configuration, engine, app, listening, graceful stop. */
export async function runPublicApi<
  Schema extends TObject & { properties: PublicApiVariables },
  Engine extends StartedEngine & AsyncDisposable,
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
      const authentication = readAuthenticationSettings(common);
      const { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, DATABASE_POOL_MAX: poolMax } = common;
      const core = await openEngine(
        {
          databaseUrl,
          redisUrl,
          databasePoolMax: poolMax,
          applicationName: name,
          logger,
          registry: process.registry,
        },
        config,
      );
      await assertDatabaseFits({ engine: core, poolMax, logger });
      // Its own connection: a counter must not wait behind the commands of bookings, nor they behind it.
      const redis = await openRedis({
        redisUrl,
        onConnectionError: (err) => logger.debug({ err, client: 'rate limits' }, 'Redis connection error'),
      });
      const {
        RATE_LIMIT_MAX: max,
        RATE_LIMIT_WINDOW_SECONDS: windowSeconds,
        ALLOWED_ORIGINS: origins,
      } = common;
      const context = {
        ...process,
        core,
        authentication,
        limits: { max, windowSeconds, redis },
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
