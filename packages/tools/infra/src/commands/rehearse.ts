import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { createTestFolder, removeTestFolder, stopSignal } from '@ticketing/testkit';
import { Buyers } from '../buyers.ts';
import { startInstallation, type Installation } from '../servers/start-installation.ts';

const usage = `npm run rehearse -- [--shoppers N]

Runs what docker-compose.yml runs without containers, on servers of its own, until Ctrl-C, and keeps nothing.
  --shoppers  how many buyers book and pay through the gateway all the time, 0 to 64; default 0
JWT_SECRET     turns authentication on; not together with --shoppers
`;

/** `npm run rehearse`: two booking-api behind the gateway, watched by Prometheus, on this machine. */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { shoppers: { type: 'string', default: '0' }, help: { type: 'boolean', default: false } },
  });
  if (values.help) {
    say(usage.trimEnd());
    return 0;
  }
  const shoppers = Number(values.shoppers);
  if (!Number.isInteger(shoppers) || shoppers < 0 || shoppers > 64)
    throw new Error(`--shoppers must be from 0 to 64, not "${values.shoppers}".`);
  const secret = process.env['JWT_SECRET'] ?? '';
  if (secret !== '' && shoppers > 0) throw new Error('Buyers have no tokens: unset JWT_SECRET.');

  const stopping = stopSignal(say);
  const folder = await createTestFolder();
  try {
    await using installation = await startInstallation(folder, secret === '' ? {} : { JWT_SECRET: secret });
    report(installation);
    const sale = buyIn(installation, shoppers, stopping);
    if (!stopping.aborted) await once(stopping, 'abort');
    await sale;
  } finally {
    await removeTestFolder(folder);
  }
  say('Stopped.');
  return 0;
}

function report({ stack, gateway, prometheus, services }: Installation): void {
  const { postgres, redis, databaseUrl, redisUrl, folder } = stack;
  say(`PostgreSQL is process ${postgres.pid()}, DATABASE_URL=${databaseUrl}`);
  say(`Redis is process ${redis.pid()}, REDIS_URL=${redisUrl}`);
  for (const [place, { url, pid }] of services) say(`${place} is process ${pid}, at ${url}`);
  say(`gateway is process ${gateway.program.process.pid}; logs are in ${folder}`);
  say(`ready: gateway ${gateway.url}, Prometheus ${prometheus.url}`);
}

/** One hold in ten is not paid, and ends at its deadline. */
function buyIn({ gateway, seatIds }: Installation, size: number, stopping: AbortSignal): Promise<void> {
  const buyers = new Buyers({
    size,
    ways: [{ url: gateway.url }],
    // Also seats that are sold: most buyers of a large sale come too late.
    nextSeat: () => seatIds[Math.floor(Math.random() * seatIds.length)],
    pays: () => Math.random() < 0.9,
    pauseMs: 500,
  });
  return buyers.buy(stopping);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
