/** What a command works with: nothing of its process but this. */
export interface OpsContext {
  /** Behind the words of the command. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Writes a line of the answer. */
  readonly say: (line: string) => void;
  /** Writes a line that is no part of the answer: progress, faults. */
  readonly complain: (line: string) => void;
}

/** Resolves to the exit code: 0 done, 1 done and not well, 2 not done. */
export type OpsCommand = (context: OpsContext) => Promise<number>;

/** A fault that its sentence says all about. */
export class OpsError extends Error {
  override readonly name = 'OpsError';
}
