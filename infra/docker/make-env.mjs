// Writes .env beside docker-compose.yml with random passwords: node infra/docker/make-env.mjs
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const names = ['POSTGRES_PASSWORD', 'SERVICE_PASSWORD', 'REDIS_PASSWORD', 'JWT_SECRET', 'GRAFANA_PASSWORD'];
const file = process.argv[2] ?? fileURLToPath(new URL('../../.env', import.meta.url));
// base64url needs no escape in a URL, in a shell and in this file.
const lines = names.map((name) => `${name}=${randomBytes(32).toString('base64url')}\n`);

try {
  // Never over an existing file: the data was made with its passwords.
  writeFileSync(file, lines.join(''), { mode: 0o600, flag: 'wx' });
  process.stdout.write(`wrote ${file}\n`);
} catch (error) {
  if (error.code !== 'EEXIST') throw error;
  process.stderr.write(`${file} is there already and was left as it is.\n`);
  process.exitCode = 1;
}
