import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repositoryRoot } from '@ticketing/testkit';
import { describe, expect, it } from 'vitest';
import { checkDockerfile, checkDockerignore } from '../src/check-dockerfile.ts';
import { dockerfilePath } from '../src/read-dockerfile.ts';
import { broken } from './broken.ts';

/*
 * What can be read from the Dockerfile alone, each seen to be found. What only a build and a start show is broken by
 * hand: the table in the README of this package says how images.infra.test.ts took it.
 */

const runtime = 'FROM node:24-bookworm-slim\nLABEL';

describe('the Dockerfile is refused with', () => {
  it.each<[string, string | RegExp, string, string]>([
    ['another Node', runtime, runtime.replace('24', '20'), 'is not Node 24'],
    ['one stage only', `\n${runtime}`, '\nLABEL', 'there is one stage only'],
    ['root', 'USER 1000:1000', 'USER root', 'USER is not'],
    ['no word on who it runs as', 'USER 1000:1000\n', '', 'USER is not'],
    ['root after all', 'STOPSIGNAL', 'USER 0\nSTOPSIGNAL', 'USER is not'],
    ['a shell in front of node', /\nCMD .*/, '\nCMD node dist/server.js', 'CMD is not'],
    ['a shell that is asked for', '\nCMD ["node", "', '\nCMD ["sh", "-c", "node ', 'CMD is not'],
    ['another heap than was measured', 'size=384', 'size=4096', 'CMD is not'],
    ['a flag that nobody measured', 'size=384", "', 'size=384", "--jitless", "', 'CMD is not'],
    ['npm in front of node', '\nCMD ', '\nENTRYPOINT ["npm", "exec", "--"]\nCMD ', 'ENTRYPOINT puts'],
    ['a signal that ends it at once', 'STOPSIGNAL SIGTERM', 'STOPSIGNAL SIGKILL', 'STOPSIGNAL is not'],
    ['no health check', /HEALTHCHECK .*\n/, '', 'there is no HEALTHCHECK'],
    ['a health check that is off', /HEALTHCHECK .*\n/, 'HEALTHCHECK NONE\n', 'there is no HEALTHCHECK'],
    ['the whole workspace', '--from=build /service ./', '--from=build /workspace ./', 'the image has more'],
    ['sources beside it', 'USER 1000', 'COPY apps ./apps\nUSER 1000', 'the image has more'],
    ['files that the service may change', 'COPY --from', 'COPY --chown=1000 --from', 'the image has more'],
    ['a package more', 'USER 1000', 'RUN apt-get install -y curl\nUSER 1000', 'something is run'],
    ['a secret', 'NODE_ENV=production', 'NODE_ENV=production JWT_SECRET=hunter2', 'has a secret'],
    ['a secret that is handed in', 'ARG SERVICE', 'ARG SERVICE\nARG NPM_TOKEN', 'has a secret'],
    ['what is for development', 'NODE_ENV=production', 'NODE_ENV=development', 'ENV has no NODE_ENV'],
    ['nobody who listens outside', ' HOST=0.0.0.0', '', 'ENV has no HOST'],
    ['a word that there is not', 'WORKDIR /service', 'WORKDIRS /service', 'WORKDIRS'],
  ])('%s', async (_, from, to, why) => {
    const faults = checkDockerfile(broken(await readFile(dockerfilePath, 'utf8'), from, to));
    expect(faults.join('\n')).toContain(why);
  });
});

describe('.dockerignore is refused', () => {
  it.each([
    ['without .env', '.env\n', ''],
    ['without the history', '.git\n', ''],
    ['without what was installed for another machine', '**/node_modules\n', ''],
    ['without what was built before', '**/dist\n', ''],
    ['with something taken back', '**/.turbo\n', '**/.turbo\n!apps/booking-api/dist\n'],
  ])('%s', async (_, from, to) => {
    const text = await readFile(join(repositoryRoot, '.dockerignore'), 'utf8');
    expect(checkDockerignore(broken(text, from, to))).toHaveLength(1);
  });
});
