import type { FastifyBaseLogger } from 'fastify';

type Arguments = Parameters<FastifyBaseLogger['info']>;

/** The logger of a request. Its pino logger is made for its first line: most requests write none of their own. */
export class RequestLogger implements FastifyBaseLogger {
  readonly #parent: FastifyBaseLogger;
  readonly #options: Parameters<FastifyBaseLogger['child']>;
  #made: FastifyBaseLogger | undefined;

  constructor(parent: FastifyBaseLogger, ...options: Parameters<FastifyBaseLogger['child']>) {
    this.#parent = parent;
    this.#options = options;
  }

  get level(): string {
    return this.#logger.level;
  }

  set level(level: string) {
    this.#logger.level = level;
  }

  get #logger(): FastifyBaseLogger {
    return (this.#made ??= this.#parent.child(...this.#options));
  }

  fatal(...all: unknown[]): void {
    this.#logger.fatal(...(all as Arguments));
  }

  error(...all: unknown[]): void {
    this.#logger.error(...(all as Arguments));
  }

  warn(...all: unknown[]): void {
    this.#logger.warn(...(all as Arguments));
  }

  info(...all: unknown[]): void {
    this.#logger.info(...(all as Arguments));
  }

  debug(...all: unknown[]): void {
    this.#logger.debug(...(all as Arguments));
  }

  trace(...all: unknown[]): void {
    this.#logger.trace(...(all as Arguments));
  }

  silent(): void {}

  child(...all: Parameters<FastifyBaseLogger['child']>): FastifyBaseLogger {
    return this.#logger.child(...all);
  }
}
