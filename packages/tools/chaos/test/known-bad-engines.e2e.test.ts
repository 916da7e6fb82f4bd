import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { repositoryRoot } from '@ticketing/testkit';
import { afterAll, describe, expect, it } from 'vitest';
import type { Cluster } from '../src/cluster/cluster.ts';
import { editStatement } from '../src/variants/replacement.ts';
import { catchVariant, runControl, startControl, startVariant } from '../src/variants/run-variant.ts';
import { variants } from '../src/variants/variants.ts';
import { effort } from './effort.ts';

const maxSeeds = 20;
/** `npm test` runs one that the first seed finds. */
const chosen = effort.isLong ? variants : variants.filter(({ name }) => name === 'half-a-booking');
/** How many seeds it took to find each. */
const seedsNeeded = new Map<string, number>();

describe('the known-bad engines', () => {
  it.each(variants)('replace exports that the engine has: $name', async ({ replacements }) => {
    for (const { module, name, make } of replacements) {
      const file = join(repositoryRoot, 'packages/seat-core/src', `${module}.ts`);
      const original = await import(pathToFileURL(file).href);
      expect(original).toHaveProperty(name);
      expect(make(original[name] as never, original as never)).not.toEqual(original[name]);
    }
  });

  it('refuse to edit a text that does not stand in the statement exactly once', () => {
    const edit = (text: string) => editStatement({ name: 'a', text }, [{ find: 'x', put: 'y' }]).text;
    expect(edit('axb')).toBe('ayb');
    expect(() => edit('ab')).toThrow('"x" stands 0 times in a.');
    expect(() => edit('xx')).toThrow('"x" stands 2 times in a.');
  });
});

describe('the checks', () => {
  it.each(chosen)(
    'find the known-bad engine $name within 20 seeds',
    async (variant) => {
      await using engine = await startVariant(variant);
      const { seed, checks } = await catchVariant(engine, variant, maxSeeds);
      console.log(`${variant.name}: seed ${seed} by ${checks.join(', ')}`);
      expect(seed).not.toBeNull();
      seedsNeeded.set(variant.name, seed ?? maxSeeds);
    },
    effort.timeoutMs,
  );
});

describe.runIf(effort.isLong)('the engine as it is', () => {
  /** Variants with the same settings share one. */
  const engines = new Map<string, Promise<Cluster>>();
  afterAll(async () => {
    for (const engine of engines.values()) await (await engine)[Symbol.asyncDispose]();
  });

  it.each(chosen)(
    'passes the same seeds under the same load and faults as $name',
    async (variant) => {
      const settings = JSON.stringify(variant.settings ?? {});
      const engine = engines.get(settings) ?? startControl(variant);
      engines.set(settings, engine);
      expect(await runControl(await engine, variant, seedsNeeded.get(variant.name) ?? 1)).toEqual([]);
    },
    effort.timeoutMs,
  );
});
