/** A failure whose message alone says what happened and what to do; shown without a stack. */
export class StackError extends Error {
  override readonly name = 'StackError';
}

/** The code of a system call's error, such as ENOENT. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
