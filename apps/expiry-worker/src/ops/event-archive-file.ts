import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { EventArchive } from '@ticketing/seat-core';

export interface EventArchiveFile extends EventArchive {
  readonly path: string;
  /** Removes what was begun; a finished file stays. */
  readonly discard: () => Promise<void>;
}

/** One gzipped file per event, a JSON text per line. It has its name only once it is whole and on the disk. */
export async function createEventArchiveFile(folder: string, eventId: string): Promise<EventArchiveFile> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, `event-${eventId}.jsonl.gz`);
  const unfinished = `${path}.unfinished`;
  // Who bought what is nobody else's business.
  const file = createWriteStream(unfinished, { mode: 0o600 });
  await once(file, 'open');
  const gzip = createGzip();
  gzip.pipe(file);
  let fault: Error | undefined;
  const fail = (error: Error) => {
    fault ??= error;
    gzip.destroy();
    file.destroy();
  };
  gzip.on('error', fail);
  file.on('error', fail);
  return {
    path,
    async write(line) {
      if (fault !== undefined) throw fault;
      if (!gzip.write(`${line}\n`)) await Promise.race([once(gzip, 'drain'), once(file, 'close')]);
    },
    async finish() {
      if (fault !== undefined) throw fault;
      gzip.end();
      await finished(file);
      await sync(unfinished);
      await rename(unfinished, path);
      await sync(folder);
    },
    async discard() {
      file.destroy();
      await rm(unfinished, { force: true });
    },
  };
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
