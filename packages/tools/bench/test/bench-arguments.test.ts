import { describe, expect, it } from 'vitest';
import { parseBenchArguments } from '../src/commands/bench-arguments.ts';

const names = ['booking', 'bare'];

describe('npm run bench', () => {
  it('measures everything three times unless told otherwise', () => {
    expect(parseBenchArguments([], names)).toMatchObject({ only: [], rounds: 3, effort: { scale: 1 } });
  });

  it.each([
    [['--only', 'bare,booking'], { only: ['bare', 'booking'] }],
    [['--rounds', '5'], { rounds: 5 }],
    [['--quick'], { rounds: 1, isKept: false }],
    [['--write'], { isKept: true }],
    [['--quick', '--rounds=2'], { rounds: 2 }],
  ])('understands %j', (args, expected) => {
    expect(parseBenchArguments(args, names)).toMatchObject(expected);
  });

  it('says which figures there are when it does not know one', () => {
    expect(() => parseBenchArguments(['--only', 'bera'], names)).toThrow('booking, bare');
  });

  it.each([[['--rounds', '0']], [['--rounds', '1.5']], [['--speed', '9']], [['booking']]])(
    'refuses %j',
    (args) => {
      expect(() => parseBenchArguments(args, names)).toThrow(Error);
    },
  );
});
