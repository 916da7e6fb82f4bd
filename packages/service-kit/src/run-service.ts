import type { Static, TObject } from '@sinclair/typebox';
import closeWithGrace from 'close-with-grace';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import type { commonVariables } from './config/common-variables.ts';
import { ConfigError } from './config/config-error.ts';
import { readConfig } from './config/read-config.ts';
import { createLogger } from './logging/create-logger.ts';
import { safeMessage } from './logging/serialize-error.ts';
import type { HttpService } from './http/http-service.ts';

/** What a service is given to start with. `stopping` is aborted the moment it is told to stop. */
export interface ServiceContext<Config> {
  readonly config: Config;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly stopping: AbortSignal;
}

/** What a service hands back: its HTTP side, where that listens, and what to close after it. */
export interface StartedService {
  readonly app: HttpService;
  readonly host: string;
  readonly port: number;
  /** Called one after another, once no request is in flight; one that fails does not stop the next. */
  readonly close?: readonly (() => unknown)[];
}

type ServiceVariables = Pick<typeof commonVariables, 'LOG_LEVEL' | 'SHUTDOWN_DELAY_SECONDS'>;

export interface ServiceOptions<Schema extends TObject> {
  readonly name: string;
  readonly configSchema: Schema;
  /** Connects, builds the app and registers its routes; must not listen. */
  readonly start: (context: ServiceContext<Readonly<Static<Schema>>>) => Promise<StartedService>;
}

/** Beyond the shutdown delay: 5 s for requests in flight, the rest for what is closed after them. */
const closeLimitMs = 10_000;

/**
 * The life of a service process: configuration, start, listening, and on SIGTERM or SIGINT the way out:
 * readiness "stopping", the shutdown delay, no request lost, exit 0. A second signal exits at once.
 * A fault of configuration or start is told in one line, exit 1.
 */
export async function runService<Schema extends TObject & { properties: ServiceVariables }>(
  options: ServiceOptions<Schema>,
): Promise<void> {
  const config = readConfigOrExit(options);
  const { LOG_LEVEL, SHUTDOWN_DELAY_SECONDS } = config as Static<TObject<ServiceVariables>>;
  const logger = createLogger({ name: options.name, level: LOG_LEVEL });
  const stopping = new AbortController();
  let started: StartedService | undefined;

  closeWithGrace(
    {
      delay: SHUTDOWN_DELAY_SECONDS * 1000 + closeLimitMs,
      logger: false,
      // Not a stop: if nothing keeps the process alive, Node should say so in its exit code.
      skip: ['beforeExit'],
      onSecondSignal: (signal) => logger.warn({ signal }, 'second signal, exiting at once'),
      onSecondError: (err) => logger.fatal({ err }, 'another error while stopping'),
      onTimeout: (limitMs) => logger.error({ limitMs }, 'closing took too long, exiting'),
    },
    async ({ err, signal }) => {
      if (err !== undefined) {
        // Nothing is known about the state any more: no graceful way out.
        logger.fatal({ err }, 'unexpected error, exiting');
        return;
      }
      logger.info({ signal }, 'stopping');
      stopping.abort();
      // Before that nothing is being served.
      if (started !== undefined) await stop(started, SHUTDOWN_DELAY_SECONDS, logger);
      logger.info('stopped');
    },
  );

  try {
    const service = await options.start({
      config,
      logger,
      registry: new Registry(),
      stopping: stopping.signal,
    });
    await service.app.listen({
      host: service.host,
      port: service.port,
      listenTextResolver: (address) => `listening on ${address}`,
    });
    started = service;
  } catch (err) {
    logger.fatal({ err }, `could not start: ${reasonOf(err)}`);
    process.exit(1);
  }
}

function readConfigOrExit<Schema extends TObject>({
  name,
  configSchema,
}: ServiceOptions<Schema>): Readonly<Static<Schema>> {
  try {
    return readConfig(configSchema, process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${name} cannot start: ${error.message}\n`);
    process.exit(1);
  }
}

async function stop(service: StartedService, delaySeconds: number, logger: Logger): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, delaySeconds * 1000));
  const steps = [() => service.app.close(), ...(service.close ?? [])];
  let failures = 0;
  for (const step of steps) {
    try {
      await step();
    } catch (err) {
      failures += 1;
      logger.error({ err }, 'a part could not be closed');
    }
  }
  // Rejecting is how close-with-grace is told to exit with 1.
  if (failures > 0) throw new Error(`${failures} parts could not be closed`);
}

/** One phrase for a person: the innermost message says what failed, the outer ones what was tried. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown reason';
  // Node rejects with an AggregateError without a message when a host name has two addresses.
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : error.cause;
  return [safeMessage(error), inner instanceof Error ? reasonOf(inner) : '']
    .filter((part) => part !== '')
    .join(': ');
}
