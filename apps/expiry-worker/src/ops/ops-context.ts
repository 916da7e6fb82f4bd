/** All that a command uses of its process. */
export interface OpsContext {
  /** The arguments after the words of the command. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Writes a line of the answer. */
  readonly say: (line: string) => void;
  /** Whether the answer goes to a terminal, which shows colours. */
  readonly isTerminal?: boolean;
  /** Writes a line beside the answer: progress, errors. */
  readonly complain: (line: string) => void;
}

/** Resolves to the exit code: 0 done, 1 done with findings, 2 not done. */
export type OpsCommand = (context: OpsContext) => Promise<number>;

/** An error whose message tells the operator all there is to know. */
export class OpsError extends Error {
  override readonly name = 'OpsError';
}
