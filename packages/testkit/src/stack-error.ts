/** A failure whose message alone tells a person what happened and what to do; it is shown without a stack. */
export class StackError extends Error {
  override readonly name = 'StackError';
}
