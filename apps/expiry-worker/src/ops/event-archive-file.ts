import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { EventArchive } from '@ticketing/seat-core/admin';

export interface EventArchiveFile extends EventArchive {
  readonly path: string;
  /** Removes an unfinished file; a finished one stays. */
  readonly discard: () => Promise<void>;
}

/** One gzipped file per event, a JSON text per line. It gets its name when it is complete and on disk. */
export async function createEventArchiveFile(folder: string, eventId: string): Promise<EventArchiveFile> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, `event-${eventId}.jsonl.gz`);
  const unfinished = `${path}.unfinished`;
  // Only its owner may read who bought which seat.
  const file = createWriteStream(unfinished, { mode: 0o600 });
  await once(file, 'open');
  const gzip = createGzip();
  gzip.pipe(file);
  let failure: Error | undefined;
  const fail = (error: Error) => {
    failure ??= error;
    gzip.destroy();
    file.destroy();
  };
  gzip.on('error', fail);
  file.on('error', fail);
  return {
    path,
    async write(line) {
      if (failure !== undefined) throw failure;
      if (gzip.write(`${line}\n`)) return;
      const waiting = new AbortController();
      const options = { signal: waiting.signal };
      try {
        await Promise.race([once(gzip, 'drain', options), once(file, 'close', options)]);
      } finally {
        // Takes the listener off that was not called.
        waiting.abort();
      }
    },
    async finish() {
      if (failure !== undefined) throw failure;
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
