import { describe, expect, it } from 'vitest';
import { findTool, runTool } from '../src/tools.ts';

describe('the tools', () => {
  it.each([
    ['nginx', '-v', /nginx\/\d/],
    ['promtool', '--version', /promtool, version \d/],
    ['prometheus', '--version', /prometheus, version \d/],
    ['docker-compose', 'version', /docker-compose version \d/],
  ] as const)('are Debian’s, unpacked: %s', async (name, flag, wanted) => {
    const { code, output } = await runTool(await findTool(name), [flag]);
    expect({ code, output }).toEqual({ code: 0, output: expect.stringMatching(wanted) as string });
  });
});
