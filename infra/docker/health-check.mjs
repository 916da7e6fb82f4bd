// The health check of the three images: exits with 0 while the service serves.
import { readFile } from 'node:fs/promises';

const ports = { BOOKING_API_PORT: 3001, PAYMENT_API_PORT: 3002, EXPIRY_WORKER_PORT: 3003 };
const { name } = JSON.parse(await readFile('package.json', 'utf8'));
const variable = `${name.replace('@ticketing/', '').replaceAll('-', '_').toUpperCase()}_PORT`;
const port = process.env[variable] ?? ports[variable];

try {
  const { ok } = await fetch(`http://127.0.0.1:${port}/health/ready`, { signal: AbortSignal.timeout(2_500) });
  process.exitCode = ok ? 0 : 1;
} catch {
  // No process listens, or it does not answer: unhealthy in both cases.
  process.exitCode = 1;
}
