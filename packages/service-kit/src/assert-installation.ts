import type { Logger } from 'pino';

/** A row of what an installation really gives, as seat-core and the checks of this package make it. */
export interface InstallationRow {
  readonly part: string;
  readonly name: string;
  readonly value: string;
  readonly verdict: 'ok' | 'warning' | 'refused';
  /** A sentence that says what to do. */
  readonly advice: string;
}

/** A question to the installation. It resolves also when a server does not answer: that is a row, too. */
export type InstallationQuestion = () => Promise<readonly InstallationRow[]>;

/**
 * Asks, before a service serves, all that it relies on, side by side. Warnings are logged, one line each.
 *
 * @throws Error with one sentence for each row that is refused
 */
export async function assertInstallation(
  questions: readonly InstallationQuestion[],
  logger: Logger,
): Promise<void> {
  const rows = (await Promise.all(questions.map((ask) => ask()))).flat();
  for (const { part, name, value, verdict, advice } of rows) {
    if (verdict === 'warning')
      logger.warn({ part, check: name, value }, `${describe(part, name, value)}: ${advice}`);
  }
  const refused = rows.filter(({ verdict }) => verdict === 'refused');
  if (refused.length === 0) return;
  throw new Error(
    refused.map(({ part, name, value, advice }) => `${describe(part, name, value)}: ${advice}`).join(' '),
  );
}

function describe(part: string, name: string, value: string): string {
  return `${part} ${name} (${value})`;
}
