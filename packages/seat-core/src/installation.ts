/** One thing that the installation was asked for, and what follows from its answer. */
export interface InstallationCheck {
  readonly part: 'postgresql' | 'replica' | 'redis' | 'queue' | 'clock' | 'identity provider';
  /** What was asked for, such as `server_encoding`. */
  readonly name: string;
  /** The answer, such as `LATIN1`; never a secret. */
  readonly value: string;
  /** `refused`: no service starts. `warning`: the services start, and say so in the log. */
  readonly verdict: 'ok' | 'warning' | 'refused';
  /** A sentence that says what to do; empty when the verdict is `ok`. */
  readonly advice: string;
}
