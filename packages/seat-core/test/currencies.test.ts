import { expect, it } from 'vitest';
import { currencyDigits } from '../src/currencies.ts';

it.each([
  ['IDR', 2],
  ['USD', 2],
  ['MGA', 2],
  ['MRU', 2],
  ['XCG', 2],
  ['CLP', 0],
  ['ISK', 0],
  ['JPY', 0],
  ['UGX', 0],
  ['XOF', 0],
  ['BHD', 3],
  ['KWD', 3],
])('a price in %s has a minor unit of %i digits', (code, digits) => {
  expect(currencyDigits.get(code)).toBe(digits);
});

it.each([
  ['no currency', 'XXX'],
  ['tests', 'XTS'],
  ['metals', 'XAG XAU XPD XPT'],
  ['units of account', 'XAD XBA XBB XBC XBD XDR XSU XUA'],
  ['funds and indexed units', 'BOV CHE CHW CLF COU MXV USN UYI UYW'],
  ['withdrawn currencies', 'ANG BGN CUC DEM FRF HRK LTL SLL VEF ZWL'],
  ['nothing', 'ABC ZZZ'],
])('a price has no code of %s', (_, codes) => {
  expect(codes.split(' ').filter((code) => currencyDigits.has(code))).toEqual([]);
});

it('a price may have one of 155 currencies, each with one number of digits', () => {
  expect([...currencyDigits.keys()].filter((code) => /^[A-Z]{3}$/.test(code))).toHaveLength(155);
  expect(currencyDigits.size).toBe(155);
});
