import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** The folders of an unpacked root in which its libraries are, as LD_LIBRARY_PATH takes them. */
export async function libraryFolders(folder: string): Promise<string> {
  const architectures = await readdir(join(folder, 'usr/lib'));
  const triplets = architectures.filter((name) => name.includes('-linux-'));
  return triplets
    .flatMap((triplet) => [join(folder, 'usr/lib', triplet), join(folder, 'lib', triplet)])
    .join(':');
}
