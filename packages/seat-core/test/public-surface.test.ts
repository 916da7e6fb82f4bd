import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as entry from '../src/index.ts';

const source = readFileSync(new URL('../src/index.ts', import.meta.url), 'utf8');

/** The names that the main entry exports, types included. It consists of named re-exports only. */
function exportedNames(): string[] {
  const statement = /export (type )?\{([^}]*)\} from '[^']+';/g;
  expect(source.replaceAll(statement, '').trim()).toBe('');
  return [...source.matchAll(statement)].flatMap(([, , names]) =>
    names!
      .split(',')
      .map((name) => name.trim().replace(/^type /, ''))
      .filter((name) => name !== ''),
  );
}

it('the main entry exports at most 40 names, types included', () => {
  const names = exportedNames();
  for (const name of Object.keys(entry)) expect(names).toContain(name);
  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBeLessThanOrEqual(40);
});

it('the main entry exports these seven values, everything else as a type', () => {
  expect(Object.keys(entry).toSorted()).toEqual([
    'SeatCoreError',
    'anyone',
    'createSeatCore',
    'defaultSettings',
    'maxSeatsPerEvent',
    'openSeatCore',
    'startExpiryWorker',
  ]);
});
