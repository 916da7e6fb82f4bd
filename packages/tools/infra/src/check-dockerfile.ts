import { serviceNodeFlags } from '@ticketing/testkit';
import { validate } from 'dockerfile-utils';
import { parseDockerfile } from './read-dockerfile.ts';

/** As the services are started everywhere else. */
const command = `[${['node', ...serviceNodeFlags, 'dist/server.js'].map((word) => JSON.stringify(word)).join(', ')}]`;

/** What keeps an image from being small, unprivileged and quick to stop. @returns sentences; none when all is well */
export function checkDockerfile(text: string): string[] {
  const faults = validate(text)
    // 1 is an error, 2 a warning; notes on style are not ours.
    .filter(({ severity = 1 }) => severity <= 2)
    .map(({ message, range }) => `line ${range.start.line + 1}: ${JSON.stringify(message)}`);
  const { build, final } = parseDockerfile(text);
  const lastOf = (keyword: string): string =>
    final.findLast((instruction) => instruction.keyword === keyword)?.rest ?? '';
  if (build.length === 0)
    faults.push('there is one stage only: the image would carry what it was built with');
  for (const { keyword, rest } of [...build, ...final]) {
    if (keyword === 'FROM' && !rest.startsWith('node:24-')) faults.push(`FROM ${rest} is not Node 24`);
    const names = keyword === 'ARG' ? /password|secret|token/i : /(password|secret|token)\S*=/i;
    if (names.test(rest)) faults.push(`${keyword} has a secret in it`);
  }
  if (!/^[1-9]\d*(:[1-9]\d*)?$/.test(lastOf('USER'))) faults.push('USER is not a number other than 0');
  if (lastOf('CMD') !== command)
    faults.push(`CMD is not ${command}: node as what is signalled, with the heap that was measured`);
  if (lastOf('ENTRYPOINT') !== '') faults.push('ENTRYPOINT puts a program in front of node');
  if (!['', 'SIGTERM'].includes(lastOf('STOPSIGNAL')))
    faults.push('STOPSIGNAL is not what the services know');
  if (!/CMD \["node"/.test(lastOf('HEALTHCHECK'))) faults.push('there is no HEALTHCHECK');
  const env = final.filter(({ keyword }) => keyword === 'ENV').map(({ rest }) => rest);
  for (const setting of ['NODE_ENV=production', 'HOST=0.0.0.0'])
    if (!env.join(' ').split(' ').includes(setting)) faults.push(`ENV has no ${setting}`);
  const copies = final.filter(({ keyword }) => keyword === 'COPY' || keyword === 'ADD');
  if (copies.length !== 1 || !copies[0]?.rest.startsWith('--from=build /service')) {
    faults.push('the image has more than the deployable folder of its service');
  }
  if (final.some(({ keyword }) => keyword === 'RUN')) faults.push('something is run in the last stage');
  return faults;
}

/** What would come into the build, from whoever builds: secrets, history, what was built for another machine. */
export function checkDockerignore(text: string): string[] {
  const lines = text.split('\n');
  return ['.git', '.env', '.data', '**/node_modules', '**/dist']
    .filter((pattern) => !lines.includes(pattern))
    .map((pattern) => `.dockerignore lacks ${pattern}`)
    .concat(lines.filter((line) => line.startsWith('!')).map((line) => `.dockerignore takes back: ${line}`));
}
