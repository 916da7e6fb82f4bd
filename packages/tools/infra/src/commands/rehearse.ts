import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  createPrivateStack,
  createTestFolder,
  removeTestFolder,
  startService,
  stopSignal,
  type PrivateStack,
  type ServiceName,
} from '@ticketing/testkit';
import { Buyers } from '../buyers.ts';
import { makeEvent } from '../make-event.ts';
import { startGateway } from '../start-gateway.ts';
import { startPrometheus } from '../start-prometheus.ts';

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
  const size = Number(values.shoppers);
  if (!Number.isInteger(size) || size < 0 || size > 64)
    throw new Error(`--shoppers must be from 0 to 64, not "${values.shoppers}".`);
  const secret = process.env['JWT_SECRET'] ?? '';
  if (secret !== '' && size > 0) throw new Error('Buyers have no tokens: unset JWT_SECRET.');

  const stopping = stopSignal(say);
  const folder = await createTestFolder();
  try {
    await using stack = await createPrivateStack({ folder });
    await rehearse(stack, size, secret === '' ? {} : { JWT_SECRET: secret }, stopping);
  } finally {
    await removeTestFolder(folder);
  }
  say('Stopped.');
  return 0;
}

/**
 * Runs the services, the gateway and Prometheus on the ports that docker-compose.yml publishes, if they are free, with
 * one Redis in place of two and without Grafana.
 */
async function rehearse(
  stack: PrivateStack,
  size: number,
  env: Readonly<Record<string, string>>,
  stopping: AbortSignal,
): Promise<void> {
  const { postgres, redis, databaseUrl, redisUrl, folder } = stack;
  const servers = { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, TRUSTED_PROXIES: '127.0.0.1' };
  const start = (name: ServiceName, place: string) =>
    startService(
      name,
      { ...servers, SHUTDOWN_DELAY_SECONDS: '1', ...env },
      { folder, logFile: join(folder, `${place}.log`) },
    );
  await using first = await start('booking-api', 'booking-api-1');
  await using second = await start('booking-api', 'booking-api-2');
  await using payment = await start('payment-api', 'payment-api');
  await using worker = await start('expiry-worker', 'expiry-worker');
  const seatIds = await makeEvent(stack, 200);
  await using gateway = await startGateway({
    folder: join(folder, 'gateway'),
    bookingPorts: [first.port, second.port],
    paymentPorts: [payment.port],
    port: 8080,
  });
  await using prometheus = await startPrometheus({
    folder: join(folder, 'prometheus'),
    targets: { 'booking-api': [first, second], 'payment-api': [payment], 'expiry-worker': [worker] },
    port: 9090,
  });
  say(`PostgreSQL is process ${postgres.pid()}, DATABASE_URL=${databaseUrl}`);
  say(`Redis is process ${redis.pid()}, REDIS_URL=${redisUrl}`);
  const places = {
    'booking-api-1': first,
    'booking-api-2': second,
    'payment-api': payment,
    'expiry-worker': worker,
  };
  for (const [place, { url, pid }] of Object.entries(places)) say(`${place} is process ${pid}, at ${url}`);
  say(`gateway is process ${gateway.program.process.pid}; logs are in ${folder}`);
  say(`ready: gateway ${gateway.url}, Prometheus ${prometheus.url}`);
  const buyers = new Buyers({
    size,
    ways: [{ url: gateway.url }],
    // Also seats that are sold: most buyers of a large sale come too late.
    nextSeat: () => seatIds[Math.floor(Math.random() * seatIds.length)],
    // A hold that is not paid ends at its deadline.
    pays: () => Math.random() < 0.9,
    pauseMs: 500,
  });
  const sale = buyers.buy(stopping);
  if (!stopping.aborted) await once(stopping, 'abort');
  await sale;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
