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

type Part = InstallationCheck['part'];

/** The answer is fit. */
export function check(part: Part, name: string, value: string): InstallationCheck {
  return { part, name, value, verdict: 'ok', advice: '' };
}

/** The services start, and say so in the log. */
export function warned(part: Part, name: string, value: string, advice: string): InstallationCheck {
  return { part, name, value, verdict: 'warning', advice };
}

/** No service starts. */
export function refused(part: Part, name: string, value: string, advice: string): InstallationCheck {
  return { part, name, value, verdict: 'refused', advice };
}
