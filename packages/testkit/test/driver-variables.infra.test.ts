import { join } from 'node:path';
import { neutralEnvironment, repositoryRoot, runCommand } from '@ticketing/testkit';
import { expect, it } from 'vitest';

it('the servers of the tests start though the environment describes a PostgreSQL of the user', async () => {
  const env = {
    ...neutralEnvironment(),
    PGSSLMODE: 'require',
    PGOPTIONS: '-c no_such_setting=1',
    PGDATESTYLE: 'bogus',
    LC_ALL: 'xx_XX.UTF-8',
  };
  const vitest = join(repositoryRoot, 'node_modules/.bin/vitest');
  const args = ['run', 'packages/testkit/test/test-stack.integration.test.ts'];
  const { code, output } = await runCommand([vitest, ...args], { cwd: repositoryRoot, env });
  expect(output).toContain('1 passed');
  expect(code).toBe(0);
});
