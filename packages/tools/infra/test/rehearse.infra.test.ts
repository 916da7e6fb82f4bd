import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { repositoryRoot, waitFor } from '@ticketing/testkit';
import { expect, it } from 'vitest';
import { readDashboards } from '../src/read-dashboards.ts';

it('npm run rehearse runs two booking-api behind the gateway, watched, and ends in order', async () => {
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
    const prometheus = find(/Prometheus (http:\S+),/)!;
    const dashboards = find(/dashboards (http:\S+)/)!;
    const ask = async (expression: string): Promise<number> => {
      const answer = await fetch(`${prometheus}/api/v1/query?query=${encodeURIComponent(expression)}`);
      const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
      return Number(data.result[0]?.value[1]);
    };
    await waitFor(async () => (await ask('sum(up{job!="prometheus"})')) === 4, {
      description: 'Prometheus to read four services',
      timeoutMs: 20_000,
    });
    await waitFor(async () => (await ask('sum(tickets_sold_total)')) > 10, {
      description: 'shoppers to buy',
      timeoutMs: 20_000,
    });
    const page = await (await fetch(dashboards)).text();
    for (const { title } of await readDashboards()) expect(page).toContain(`>${title}<`);

    // One of two dies: the other one serves, and it is seen.
    process.kill(Number(find(/booking-api-1 is process (\d+)/)), 'SIGKILL');
    await waitFor(async () => (await ask('sum(up{job="booking-api"})')) === 1, {
      description: 'Prometheus to miss it',
      timeoutMs: 20_000,
    });
    const before = await ask('sum(tickets_sold_total)');
    await waitFor(async () => (await ask('sum(tickets_sold_total)')) > before, {
      description: 'sales to go on',
      timeoutMs: 20_000,
    });
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
}, 240_000);
