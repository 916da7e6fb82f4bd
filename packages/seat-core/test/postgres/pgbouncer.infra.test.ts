import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  createTestFolder,
  createTestStack,
  libraryFolders,
  removeTestFolder,
  runCommand,
  startProgram,
  unpackPackages,
  waitFor,
  type RunningProgram,
  type TestStack,
} from '@ticketing/testkit';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditInvariants } from '../../src/admin/audit.ts';
import { runMigrations } from '../../src/admin/migrate.ts';
import { openSeatCore } from '../../src/open-seat-core.ts';

let stack: TestStack;
let folder: string;
let pooler: { readonly program: string; readonly env: Readonly<Record<string, string>> };
beforeAll(async () => {
  stack = await createTestStack();
  folder = await createTestFolder();
  const path = 'usr/sbin/pgbouncer';
  pooler = await unpackPackages({
    name: 'PgBouncer',
    packages: ['pgbouncer'],
    program: path,
    advice: ['Install PgBouncer.'],
    open: async (root) => {
      const program = join(root, path);
      if (!existsSync(program)) return undefined;
      const env = { LD_LIBRARY_PATH: await libraryFolders(root) };
      const { code } = await runCommand([program, '--version'], { env: { ...process.env, ...env } });
      return code === 0 ? { program, env } : undefined;
    },
  });
});
afterAll(async () => {
  await removeTestFolder(folder);
  await stack.dispose();
});

interface Pooler extends AsyncDisposable {
  /** The URL of the service role, and of the owner, through the pooler. */
  readonly serviceUrl: string;
  readonly ownerUrl: string;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A real PgBouncer in front of the database of the test. */
async function startPooler(name: string, settings: readonly string[]): Promise<Pooler> {
  const port = await freePort();
  const own = join(folder, name);
  await mkdir(own, { recursive: true });
  const target = (url: string) => {
    const { hostname, port: serverPort, username, password, pathname } = new URL(url);
    return `host=${hostname} port=${serverPort} dbname=${pathname.slice(1)} user=${username} password=${password}`;
  };
  const config = join(own, 'pgbouncer.ini');
  await writeFile(
    config,
    [
      '[databases]',
      `service = ${target(stack.serviceUrl)}`,
      `owner = ${target(stack.databaseUrl)}`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = any',
      ...settings,
    ].join('\n'),
  );
  const program: RunningProgram = await startProgram({
    folder: own,
    command: [pooler.program, config],
    env: pooler.env,
    stopSignal: 'SIGINT',
  });
  const urlOf = (database: string) => `postgres://any@127.0.0.1:${port}/${database}`;
  await waitFor(
    async () => {
      if (program.process.hasExited()) throw new Error(program.tail());
      const client = new pg.Client({ connectionString: urlOf('service') });
      return client.connect().then(
        async () => {
          await client.end();
          return true;
        },
        () => false,
      );
    },
    { description: 'PgBouncer to answer' },
  );
  return {
    serviceUrl: urlOf('service'),
    ownerUrl: urlOf('owner'),
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

const ignoring =
  'ignore_startup_parameters = options,statement_timeout,lock_timeout,idle_in_transaction_session_timeout,extra_float_digits';

describe.each([
  [
    'that refuses settings at connect',
    ['pool_mode = transaction'],
    /unsupported startup parameter.*PgBouncer/,
  ],
  [
    'that ignores settings at connect',
    ['pool_mode = transaction', ignoring],
    /statement_timeout is 0 and must be 1s.*PgBouncer/,
  ],
  [
    'with a server connection per session, which ignores settings at connect',
    ['pool_mode = session', ignoring],
    /lock_timeout is 0 and must be 300ms.*PgBouncer/,
  ],
] as const)('a PgBouncer %s', (name, settings, sentence) => {
  it(`a PgBouncer ${name} refuses the start in a sentence that names it`, async () => {
    await using between = await startPooler(name.replaceAll(/\W+/g, '-'), settings);
    const opened = openSeatCore({
      databaseUrl: between.serviceUrl,
      redisUrl: stack.redisUrl,
      databasePoolMax: 4,
    });
    await expect(opened).rejects.toThrow(sentence);
    // Migration and audit need no time limits; what they rely on does not hold either.
    await expect(runMigrations({ databaseUrl: between.ownerUrl })).rejects.toThrow(/PgBouncer/);
    await expect(auditInvariants({ databaseUrl: between.ownerUrl })).rejects.toThrow(/PgBouncer/);
  });
});
