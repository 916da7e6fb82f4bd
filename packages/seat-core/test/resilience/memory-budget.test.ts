import { getHeapStatistics } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { MemoryBudget } from '../../src/resilience/memory-budget.ts';

/** Keeps owners of so many bytes, and notes which were evicted. */
function openBudget(maxBytes: number) {
  const budget = new MemoryBudget(maxBytes);
  const evicted: string[] = [];
  const owners = new Map<string, object>();
  const owner = (name: string) => owners.get(name) ?? owners.set(name, {}).get(name)!;
  const keep = (name: string, bytes: number, isInUse = false) =>
    budget.keep(owner(name), { bytes, isInUse: () => isInUse, evict: () => evicted.push(name) });
  return { budget, evicted, owner, keep };
}

describe('MemoryBudget', () => {
  it('drops what was used least recently to make room for what is new', () => {
    const { budget, evicted, owner, keep } = openBudget(100);
    keep('a', 40);
    keep('b', 40);
    budget.touch(owner('a'));
    keep('c', 30);
    expect([evicted, budget.bytes]).toEqual([['b'], 70]);
    keep('d', 95);
    expect([evicted, budget.bytes]).toEqual([['b', 'a', 'c'], 95]);
  });

  it('refuses what does not fit beside what is in use, and drops nothing for it', () => {
    const { budget, evicted, keep } = openBudget(100);
    keep('live', 70, true);
    keep('map', 20);
    expect(() => keep('large', 40)).toThrow(expect.objectContaining({ code: 'OVERLOADED' }) as Error);
    expect([evicted, budget.bytes]).toEqual([[], 90]);
    keep('small', 25);
    expect([evicted, budget.bytes]).toEqual([['map'], 95]);
  });

  it('counts an owner that grows or shrinks once, and as it was when it cannot grow', () => {
    const { budget, evicted, owner, keep } = openBudget(100);
    keep('a', 40);
    keep('a', 90);
    expect(() => keep('a', 101)).toThrow(expect.objectContaining({ code: 'OVERLOADED' }) as Error);
    expect(budget.bytes).toBe(90);
    keep('a', 10);
    budget.free(owner('a'));
    budget.free(owner('a'));
    expect([evicted, budget.bytes]).toEqual([[], 0]);
  });

  it('has a quarter of the limit of the heap by default', () => {
    const budget = new MemoryBudget();
    const limit = getHeapStatistics().heap_size_limit;
    budget.keep({}, { bytes: limit * 0.249, isInUse: () => true, evict: () => undefined });
    expect(() => budget.keep({}, { bytes: limit * 0.01, evict: () => undefined })).toThrow(
      expect.objectContaining({ code: 'OVERLOADED' }) as Error,
    );
  });
});
