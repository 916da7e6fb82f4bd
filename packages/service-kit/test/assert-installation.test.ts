import { expect, test } from 'vitest';
import { assertInstallation, type InstallationRow } from '../src/assert-installation.ts';
import { createLogger } from '../src/logging/logger.ts';

function start(...answers: readonly (readonly InstallationRow[])[]) {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const logger = createLogger({ name: 'example-api', level: 'info', destination });
  const outcome = assertInstallation(
    answers.map((rows) => () => Promise.resolve(rows)),
    logger,
  );
  return { lines, outcome };
}

const row = (name: string, verdict: InstallationRow['verdict'], advice = '') => ({
  part: 'postgresql',
  name,
  value: 'off',
  verdict,
  advice,
});

test('an installation that is fit lets a service start without a log line', async () => {
  const { lines, outcome } = start([row('version', 'ok')], [row('role', 'ok')]);
  await outcome;
  expect(lines).toEqual([]);
});

test('each warning about the installation is one log line, and the service starts', async () => {
  const { lines, outcome } = start(
    [row('fsync', 'warning', 'Set it on.')],
    [row('role', 'warning', 'Make one.')],
  );
  await outcome;
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    expect.objectContaining({
      level: 'warn',
      part: 'postgresql',
      check: 'fsync',
      msg: 'postgresql fsync (off): Set it on.',
    }),
    expect.objectContaining({ level: 'warn', check: 'role' }),
  ]);
});

test('what the installation lacks refuses the start with a sentence each, from all questions', async () => {
  const { outcome } = start(
    [row('encoding', 'refused', 'Make it UTF8.')],
    [row('version', 'refused', 'Take 15.')],
  );
  await expect(outcome).rejects.toThrow(
    'postgresql encoding (off): Make it UTF8. postgresql version (off): Take 15.',
  );
});
