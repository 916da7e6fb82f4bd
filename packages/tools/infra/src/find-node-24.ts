import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder, runCommand } from '@ticketing/testkit';
import { toolEnvironment } from './tool-environment.ts';

const version = '24.21.0';

/** The Node of the images, from its npm package: machines for development have 20. */
export async function findNode24(): Promise<string> {
  const folder = join(cacheFolder, `node-${version}`);
  const name = `node-${process.platform}-${process.arch}`;
  const program = join(folder, 'node_modules', name, 'bin/node');
  if (existsSync(program)) return program;
  console.log(`fetching Node ${version} from npm`);
  await mkdir(folder, { recursive: true });
  const npm = ['npm', 'install', '--ignore-scripts', '--no-save', '--prefix', folder, `${name}@${version}`];
  const { code, output } = await runCommand(npm, { env: toolEnvironment(), cwd: folder });
  if (code !== 0 || !existsSync(program)) throw new Error(`Node ${version} could not be fetched:\n${output}`);
  return program;
}
