import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  createPrivateStack,
  findPostgresTool,
  repositoryRoot,
  runCommand,
  startService,
} from '@ticketing/testkit';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkCompose, composeConfig, makeEnvFile } from '../src/check-compose.ts';
import { checkDockerfile, checkDockerignore } from '../src/check-dockerfile.ts';
import { dockerfilePath } from '../src/read-dockerfile.ts';
import { runSql } from './databases.ts';
import { makeRunFolder } from './run-folder.ts';

let envFile: string;

beforeAll(async () => {
  envFile = join(await makeRunFolder('compose'), '.env');
  await makeEnvFile(envFile);
});

describe('docker-compose.yml', () => {
  it('is one that docker-compose 1.29 takes, with the variables that make-env.mjs writes', async () => {
    expect(await composeConfig(envFile)).toMatchObject({ code: 0 });
  });

  it('fits the schema of docker compose 2 and is closed, limited, checked and in order', async () => {
    expect(await checkCompose()).toEqual([]);
  });

  it('asks for passwords and has none', async () => {
    const empty = join(await makeRunFolder('compose-empty'), '.env');
    await runCommand(['touch', empty]);
    const { code, output } = await composeConfig(empty);
    expect({ code, output }).toMatchObject({
      code: 1,
      output: expect.stringContaining('make-env.mjs') as string,
    });
  });

  it('make-env.mjs writes no file over another', async () => {
    const before = await readFile(envFile, 'utf8');
    expect(await makeEnvFile(envFile)).toMatchObject({ code: 1 });
    expect(await readFile(envFile, 'utf8')).toBe(before);
  });
});

describe('the role of the services', () => {
  it('is made by service-role.sh, let in by the migration job, and serves without DDL', async () => {
    await using stack = await createPrivateStack();
    const { username, password, port, pathname } = new URL(stack.databaseUrl);
    const { program, env } = await findPostgresTool('psql');
    const servicePassword = 'as-make-env_writes-them';
    // As the PostgreSQL image runs it, but for where the server is.
    const made = await runCommand([join(repositoryRoot, 'infra/docker/service-role.sh')], {
      env: {
        ...process.env,
        ...env,
        PATH: `${dirname(program)}:${process.env['PATH'] ?? ''}`,
        PGHOST: '127.0.0.1',
        PGPORT: port,
        PGPASSWORD: password,
        POSTGRES_USER: username,
        POSTGRES_DB: pathname.slice(1),
        SERVICE_PASSWORD: servicePassword,
      },
    });
    expect(made).toMatchObject({ code: 0 });
    const serviceUrl = `postgres://ticketing_service:${servicePassword}@127.0.0.1:${port}${pathname}`;
    const migrate = join(repositoryRoot, 'packages/seat-core/bin/seat-core-migrate.mjs');
    const urls = { MIGRATE_DATABASE_URL: stack.databaseUrl, DATABASE_URL: serviceUrl };
    expect(await runCommand([process.execPath, migrate], { env: { ...process.env, ...urls } })).toMatchObject(
      { code: 0 },
    );
    await using service = await startService('booking-api', {
      DATABASE_URL: serviceUrl,
      REDIS_URL: stack.redisUrl,
    });
    expect((await fetch(`${service.url}/api/v1/events`)).status).toBe(200);
    await expect(runSql(serviceUrl, 'create table own (id int)')).rejects.toThrow('permission denied');
  });
});

describe('the Dockerfile', () => {
  it('has stages, an ordinary user, a health check, and node as what is signalled', async () => {
    expect(checkDockerfile(await readFile(dockerfilePath, 'utf8'))).toEqual([]);
  });

  it('is given nothing that is secret, or was built elsewhere', async () => {
    expect(checkDockerignore(await readFile(join(repositoryRoot, '.dockerignore'), 'utf8'))).toEqual([]);
  });
});
