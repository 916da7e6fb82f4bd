import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { createTestFolder, removeTestFolder } from '@ticketing/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { createEventArchiveFile } from '../src/ops/event-archive-file.ts';

test('an archive of 200 lines that each wait for the disk leaves no listener behind', async () => {
  const folder = await createTestFolder();
  onTestFinished(() => removeTestFolder(folder));
  const warnings: Error[] = [];
  const note = (warning: Error) => void warnings.push(warning);
  process.on('warning', note);
  onTestFinished(() => void process.off('warning', note));

  const lines = Array.from({ length: 200 }, () => randomBytes(50_000).toString('base64'));
  const archive = await createEventArchiveFile(folder, '01a20837-15b2-7536-a505-cef470abcb22');
  for (const line of lines) await archive.write(line);
  await archive.finish();
  await nextTurn();
  expect(warnings).toEqual([]);
  expect(gunzipSync(await readFile(archive.path)).toString()).toBe(`${lines.join('\n')}\n`);
});
