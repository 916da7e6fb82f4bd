import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '@ticketing/dev-stack';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkCompose, composeConfig, makeEnvFile } from '../src/check-compose.ts';
import { checkDockerfile } from '../src/check-dockerfile.ts';
import { dockerfilePath } from '../src/read-dockerfile.ts';
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

describe('the Dockerfile', () => {
  it('has stages, an ordinary user, a health check, and node as what is signalled', async () => {
    expect(checkDockerfile(await readFile(dockerfilePath, 'utf8'))).toEqual([]);
  });
});
