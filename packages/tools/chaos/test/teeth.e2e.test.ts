import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '@ticketing/testkit';
import { afterAll, describe, expect, it } from 'vitest';
import { applyEdits } from '../src/variants/apply-edits.ts';
import { catchVariant, runControl } from '../src/variants/catch-variant.ts';
import type { Cluster } from '../src/cluster/cluster.ts';
import { startControl, startVariant } from '../src/variants/start-variant.ts';
import { variants } from '../src/variants/variants.ts';
import { effort } from './effort.ts';

describe('the known-bad engines', () => {
  it('are made by edits of texts that the build has, each once', () => {
    expect(variants.length).toBeGreaterThanOrEqual(15);
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
const chosen = variants.filter(({ name }) => effort.isLong || quick.includes(name));
/** How many seeds it took to find each. */
const seedsNeeded = new Map<string, number>();

describe('the checks', () => {
  it.each(chosen)(
    'find $name within 20 seeds',
    async (variant) => {
      await using bad = await startVariant(variant);
      const caught = await catchVariant(bad, variant, effort.variantSeeds);
      console.log(`${variant.name}: seed ${caught.seed} by ${caught.checks.join(', ')}`);
      expect(caught.seed).not.toBeNull();
      seedsNeeded.set(variant.name, caught.seed ?? 0);
    },
    effort.timeoutMs,
  );
});

describe.each(effort.isLong ? ['the engine as it is'] : [])('%s', () => {
  /** Variants that need nothing special share one. */
  const engines = new Map<string, Promise<Cluster>>();
  afterAll(async () => {
    for (const engine of engines.values()) await (await engine)[Symbol.asyncDispose]();
  });

  it.each(chosen)(
    'passes the same seeds under the same load and faults as $name',
    async (variant) => {
      const name = JSON.stringify(variant.settings ?? {});
      const engine = engines.get(name) ?? startControl(variant);
      engines.set(name, engine);
      const reports = await runControl(await engine, variant, seedsNeeded.get(variant.name) ?? 1);
      expect(reports.flatMap(({ findings }) => findings)).toEqual([]);
    },
    effort.timeoutMs,
  );
});
