/** No answer came in time. The work may be done all the same: its outcome is unknown. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/**
 * Waits at most `limitMs` for an answer. When this process itself was busy, answers lie unread in its sockets while
 * the timer fires first: setImmediate lets the event loop read them before the answer counts as late.
 *
 * @param name of the dependency, for the message
 * @throws DeadlineError
 */
export function withDeadline<T>(name: string, limitMs: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(new DeadlineError(`${name} did not answer within ${limitMs} ms`));
    const timer = setTimeout(() => setImmediate(giveUp), limitMs);
    void work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
