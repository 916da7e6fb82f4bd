/** Somebody did not answer in time. What was asked may be done all the same. */
export class LateError extends Error {
  override readonly name = 'LateError';
}

/**
 * Waits for an answer for a while. When this process was busy itself, answers lie unread in its sockets while
 * the timer fires first: they are read before the other side is called late.
 *
 * @throws LateError
 */
export function inTime<T>(name: string, limitMs: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(new LateError(`${name} did not answer within ${limitMs} ms`));
    const timer = setTimeout(() => setImmediate(giveUp), limitMs);
    void work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
