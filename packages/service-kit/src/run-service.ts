import type { Static, TObject } from '@sinclair/typebox';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import type { commonVariables } from './config/common-variables.ts';
import { ConfigError, readConfig } from './config/read-config.ts';
import type { HttpService } from './http/http-service.ts';
import { createLogger, safeMessage } from './logging/logger.ts';
import closeWithGrace from 'close-with-grace';

/** The arguments of `start`. */
export interface ServiceContext<Config> {
  readonly config: Config;
  readonly logger: Logger;
  readonly registry: Registry;
  /** Aborted when the process is signalled to stop. */
  readonly stopping: AbortSignal;
}

/** A started service: its HTTP side, the address it listens on, and the steps that close it. */
export interface StartedService {
  readonly app: HttpService;
  readonly host: string;
  readonly port: number;
  /** Called one after another, once no request is in flight; a step that fails does not stop the next. */
  readonly close?: readonly (() => unknown)[];
}

type ServiceVariables = Pick<typeof commonVariables, 'LOG_LEVEL' | 'SHUTDOWN_DELAY_SECONDS'>;

export interface ServiceOptions<Schema extends TObject> {
  readonly name: string;
  readonly configSchema: Schema;
  /** Connects, builds the app and registers its routes; must not listen. */
  readonly start: (context: ServiceContext<Readonly<Static<Schema>>>) => Promise<StartedService>;
}

/**
 * Runs a service process: configuration, start, listening, and the graceful stop on SIGTERM or SIGINT. An error of
 * configuration or start is reported in one line, exit 1.
 */
export async function runService<Schema extends TObject & { properties: ServiceVariables }>(
  options: ServiceOptions<Schema>,
): Promise<void> {
  const config = readConfigOrExit(options);
  const { LOG_LEVEL, SHUTDOWN_DELAY_SECONDS } = config as Static<TObject<ServiceVariables>>;
  const logger = createLogger({ name: options.name, level: LOG_LEVEL });
  const stopping = new AbortController();
  let steps: (() => unknown)[] | undefined;
  closeOnSignal({ logger, delaySeconds: SHUTDOWN_DELAY_SECONDS, stopping, steps: () => steps });

  try {
    const {
      app,
      host,
      port,
      close = [],
    } = await options.start({
      config,
      logger,
      registry: new Registry(),
      stopping: stopping.signal,
    });
    await app.listen({ host, port, listenTextResolver: (address) => `listening on ${address}` });
    steps = [() => app.close(), ...close];
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

/** One phrase for an operator: the outer messages say what was tried, the innermost what failed. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown reason';
  // Node rejects with an AggregateError without a message when a host name has two addresses.
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : error.cause;
  return [safeMessage(error), inner instanceof Error ? reasonOf(inner) : '']
    .filter((message) => message !== '')
    .join(': ');
}

/** Beyond the shutdown delay: 5 s for requests in flight, the rest for the close steps after them. */
const closeLimitMs = 10_000;

export interface ShutdownOptions {
  readonly logger: Logger;
  /** SHUTDOWN_DELAY_SECONDS: how long readiness says "stopping" before the closing begins. */
  readonly delaySeconds: number;
  /** Aborted at the signal. */
  readonly stopping: AbortController;
  /** The steps of the close, in order, as they are at the signal; undefined while nothing is served yet. */
  readonly steps: () => readonly (() => unknown)[] | undefined;
}

/**
 * Stops the process on SIGTERM or SIGINT: readiness "stopping", the delay, then each step; a failed step does not stop
 * the next. Exit 0, or 1 when a step failed or the limit passed. A second signal, or an uncaught error, exits at once.
 */
function closeOnSignal({ logger, delaySeconds, stopping, steps }: ShutdownOptions): void {
  closeWithGrace(
    {
      delay: delaySeconds * 1000 + closeLimitMs,
      logger: false,
      // Not a stop: if nothing keeps the process alive, Node should say so in its exit code.
      skip: ['beforeExit'],
      onSecondSignal: (signal) => logger.warn({ signal }, 'second signal, exiting at once'),
      onSecondError: (err) => logger.fatal({ err }, 'another error while stopping'),
      onTimeout: (limitMs) => logger.error({ limitMs }, 'closing took too long, exiting'),
    },
    async ({ err, signal }) => {
      if (err !== undefined) {
        // The state is unknown after an uncaught error: no graceful stop.
        logger.fatal({ err }, 'unexpected error, exiting');
        return;
      }
      logger.info({ signal }, 'stopping');
      stopping.abort();
      const closing = steps();
      if (closing !== undefined) {
        await new Promise((resolve) => setTimeout(resolve, delaySeconds * 1000));
        await runAll(closing, logger);
      }
      logger.info('stopped');
    },
  );
}

async function runAll(steps: readonly (() => unknown)[], logger: Logger): Promise<void> {
  let failures = 0;
  for (const step of steps) {
    try {
      await step();
    } catch (err) {
      failures += 1;
      logger.error({ err }, 'close step failed');
    }
  }
  // close-with-grace exits with 1 when this rejects.
  if (failures > 0) throw new Error(`${failures} close steps failed`);
}
