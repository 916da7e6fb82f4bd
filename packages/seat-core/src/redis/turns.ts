import type { Redis } from 'ioredis';

/** Bounds how long Redis works on one command. */
const maxRequests = 128;

interface Waiting<Request, Answer> {
  readonly request: Request;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Answers the requests of one turn of the event loop together: a command for 64 seats costs both ends little more than a
 * command for one.
 */
export class Turns<Request, Answer> {
  readonly #answer: (requests: readonly Request[]) => Promise<readonly Answer[]>;
  readonly #waiting: Waiting<Request, Answer>[] = [];

  /** @param answer gives one answer per request, in their order, or fails for all of them */
  constructor(answer: (requests: readonly Request[]) => Promise<readonly Answer[]>) {
    this.#answer = answer;
  }

  /** Waits for the end of this turn. @throws what the common answer throws */
  ask(request: Request): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => this.#end());
      this.#waiting.push({ request, resolve, reject });
    });
  }

  #end(): void {
    while (this.#waiting.length > 0) void this.#run(this.#waiting.splice(0, maxRequests));
  }

  async #run(asked: readonly Waiting<Request, Answer>[]): Promise<void> {
    try {
      const answers = await this.#answer(asked.map(({ request }) => request));
      if (answers.length !== asked.length)
        throw new Error(`${asked.length} requests, ${answers.length} answers`);
      for (const [index, { resolve }] of asked.entries()) resolve(answers[index]!);
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  }
}

/** Sends a command at once. The client's own pipelining would send it one turn later. */
export async function sendNow(
  connection: Redis,
  command: readonly [name: string, ...values: (string | number)[]],
): Promise<unknown> {
  const [first] = (await connection.pipeline([[...command]]).exec()) ?? [];
  const [error, reply] = first ?? [new Error(`${command[0]} was not sent`)];
  if (error !== null) throw error;
  return reply;
}
