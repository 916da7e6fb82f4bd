import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { repositoryRoot, waitFor } from '@ticketing/testkit';
import { expect, it } from 'vitest';

it('npm run rehearse runs two booking-api behind the gateway, watched by Prometheus, and ends cleanly', async () => {
  const { JWT_SECRET: _, ...env } = process.env;
  const bootstrap = join(repositoryRoot, 'packages/tools/dev/bootstrap.mjs');
  const child = spawn(process.execPath, [bootstrap, 'rehearse', '--shoppers', '4'], { env, stdio: 'pipe' });
  const ended = once(child, 'close');
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => lines.push(line));
  const find = (pattern: RegExp): string | undefined => pattern.exec(lines.join('\n'))?.[1];
  try {
    await waitFor(() => child.exitCode !== null || find(/^(ready)/m), {
      description: 'the line that begins with ready',
      timeoutMs: 90_000,
    });
    const gateway = find(/gateway (http:\S+),/)!;
    const prometheus = find(/Prometheus (http:\S+)$/m)!;
    const query = async (expression: string): Promise<number> => {
      const answer = await fetch(`${prometheus}/api/v1/query?query=${encodeURIComponent(expression)}`);
      const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
      return Number(data.result[0]?.value[1]);
    };
    const expectSoon = (description: string, isMet: () => Promise<boolean>) =>
      waitFor(isMet, { description, timeoutMs: 20_000 });
    const upOf = (jobs: string) => query(`sum(up{job=~"${jobs}"})`);
    await expectSoon('Prometheus to read four services', async () => (await upOf('.*-api|expiry-.*')) === 4);
    await expectSoon('buyers to buy', async () => (await query('sum(tickets_sold_total)')) > 10);

    // One of two dies: the other one serves, and Prometheus sees it.
    process.kill(Number(find(/booking-api-1 is process (\d+)/)), 'SIGKILL');
    await expectSoon('Prometheus to miss it', async () => (await upOf('booking-api')) === 1);
    const before = await query('sum(tickets_sold_total)');
    await expectSoon('sales to go on', async () => (await query('sum(tickets_sold_total)')) > before);
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect(lines.at(-1)).toBe('Stopped.');
    await expect(fetch(`${gateway}/api/v1/events`)).rejects.toThrow('fetch failed');
    await expect(fetch(prometheus)).rejects.toThrow('fetch failed');
  } catch (error) {
    throw new Error(`${String(error)}\n${lines.join('\n')}`, { cause: error });
  } finally {
    child.kill('SIGKILL');
  }
});
