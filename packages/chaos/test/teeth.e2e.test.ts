import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '@ticketing/dev-stack';
import { describe, expect, it } from 'vitest';
import { applyEdits } from '../src/variants/apply-edits.ts';
import { catchVariant, runControl } from '../src/variants/catch-variant.ts';
import type { Cluster } from '../src/cluster/cluster.ts';
import { startControl, startVariant } from '../src/variants/start-variant.ts';
import { variants } from '../src/variants/variants.ts';
import { effort } from './effort.ts';

describe('the known-bad engines', () => {
  it('are made by edits of texts that the build has, each once', () => {
    expect(variants.length).toBeGreaterThanOrEqual(11);
    for (const { edits } of variants) {
      for (const { file } of edits) {
        const mine = edits.filter((edit) => edit.file === file);
        const source = readFileSync(join(repositoryRoot, file), 'utf8');
        expect(applyEdits(source, mine)).not.toBe(source);
      }
    }
  });

  it('refuse a text that is not there, or twice', () => {
    const edit = { file: 'a.js', find: 'x', replace: 'y' };
    expect(applyEdits('axb', [edit])).toBe('ayb');
    expect(() => applyEdits('ab', [edit])).toThrow('"x" stands 0 times in a.js, not once.');
    expect(() => applyEdits('xx', [edit])).toThrow('"x" stands 2 times in a.js, not once.');
  });
});

/** For the quick run: one that is found at once. */
const quick: readonly string[] = ['half-a-booking'];

describe('the checks', () => {
  it.each(variants.filter(({ name }) => effort.isLong || quick.includes(name)))(
    'find $name within 20 seeds, and nothing on the same seeds of the engine as it is',
    async (variant) => {
      const caught = await withCluster(startVariant(variant), (bad) =>
        catchVariant(bad, variant, effort.variantSeeds),
      );
      console.log(`${variant.name}: seed ${caught.seed} by ${caught.checks.join(', ')}`);
      expect(caught.seed).not.toBeNull();
      const reports = await withCluster(startControl(variant), (good) =>
        runControl(good, variant, caught.seed ?? 1),
      );
      expect(reports.flatMap(({ findings }) => findings)).toEqual([]);
    },
    effort.timeoutMs,
  );
});

async function withCluster<T>(
  starting: Promise<Cluster>,
  work: (cluster: Cluster) => Promise<T>,
): Promise<T> {
  await using cluster = await starting;
  return await work(cluster);
}
