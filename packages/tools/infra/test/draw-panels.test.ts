import { describe, expect, it } from 'vitest';
import { drawPanels } from '../src/draw-panels.ts';

const span = { from: 100, to: 110, marks: { gone: 105 } };

describe('a picture of a dashboard', () => {
  it('has each panel with its title, its unit and its series by name', () => {
    const series = [
      {
        name: 'job <a>',
        points: [
          [100, 0.5],
          [110, 1],
        ] as const,
      },
    ];
    const picture = drawPanels('All is well', [{ title: 'Lag', unit: 's', series }], span);
    expect(picture).toMatch(/^<svg [^>]*aria-label="All is well"/);
    for (const words of ['>Lag<', '>job &lt;a><', '>500 ms<', '>1 s<', '>gone<'])
      expect(picture).toContain(words);
  });

  it('draws no line over a stretch in which nothing was known', () => {
    const points = [
      [100, 1],
      [101, 1],
      [102, Number.NaN],
      [103, Number.NaN],
      [106, 1],
      [107, 1],
    ] as const;
    const picture = drawPanels('', [{ title: '', unit: 'short', series: [{ name: 'jobs', points }] }], span);
    const line = /<path d="([^"]+)" fill="none"/.exec(picture)?.[1] ?? '';
    expect([...line.matchAll(/[ML]/g)].join('')).toBe('MLML');
  });
});
