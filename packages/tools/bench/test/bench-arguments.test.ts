import { expect, it } from 'vitest';
import { parseBenchArguments } from '../src/commands/bench-arguments.ts';

const names = ['booking', 'bare'];

it.each([
  [[], { only: [], rounds: 3, isQuick: false, effort: { scale: 1 } }],
  [['--only', 'bare,booking'], { only: ['bare', 'booking'], isOfSale: false }],
  [['--only', 'sale'], { isOfSale: true }],
  [['--rounds', '5'], { rounds: 5 }],
  [['--quick'], { rounds: 2, isQuick: true, isKept: false, effort: { scale: 1 } }],
  [['--write'], { isKept: true }],
  [['--quick', '--rounds=1'], { rounds: 1, isQuick: true }],
])('npm run bench parses %j', (args, expected) => {
  expect(parseBenchArguments(args, names)).toMatchObject(expected);
});

it.each([
  [['--only', 'bera'], '--only knows booking, bare, and no "bera".'],
  [['--only', 'sale,bare'], '--only knows booking, bare, and no "sale".'],
  [['--rounds', '0'], '--rounds is from 1 to 20, not "0".'],
  [['--rounds', '1.5'], '--rounds is from 1 to 20, not "1.5".'],
  [['--speed', '9'], '--speed'],
  [['booking'], 'booking'],
])('npm run bench refuses %j with a sentence', (args, message) => {
  expect(() => parseBenchArguments(args, names)).toThrow(message);
});
