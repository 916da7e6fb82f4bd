import { beforeAll, expect, it } from 'vitest';
import { checkSale } from '../src/sale/check-sale.ts';
import { runSale, type SaleResult } from '../src/sale/run-sale.ts';
import { startSaleServices } from '../src/sale/sale-services.ts';
import { quickSale } from '../src/sale/sale-size.ts';
import { saleText } from '../src/sale/sale-text.ts';

let result: SaleResult;
beforeAll(async () => {
  await using services = await startSaleServices(quickSale.holdSeconds);
  result = await runSale(services, quickSale);
}, 600_000);

it('a sale with a killed booking-api and an emptied Redis sells each seat once and loses no acknowledgement', () => {
  const { report } = result;
  expect(report.findings).toEqual([]);
  expect(report).toMatchObject({ doubleSales: 0, lostAcknowledgements: 0 });
  expect(report.totals.confirmed).toBe(quickSale.seats);
  expect(report.soldOutSeconds).toBeGreaterThan(quickSale.arrivalMs / 1_000);
});

it('a sale meets both faults before it is sold out, and refusals, lapses and releases', () => {
  const { faults, soldOutSeconds, totals } = result.report;
  expect(faults.map(({ mark }) => mark).toSorted()).toEqual(['F', 'K', 'R']);
  for (const { atSecond } of faults.filter(({ mark }) => mark !== 'R'))
    expect(atSecond).toBeLessThan(soldOutSeconds);
  for (const count of [totals.refused, totals.lapsed, totals.released]) expect(count).toBeGreaterThan(0);
});

it('the report of a sale shows its figures, its picture and its faults', () => {
  const text = saleText(result.report);
  for (const shown of ['seconds until sold out', 'from click to seat, p99', 'share of refusals'])
    expect(text).toContain(shown);
  expect(text).toMatch(/^sold .*█ +up to 1000 of 1000$/m);
  expect(text).toMatch(/^faults .*K.*  \d s a column$/m);
  expect(text.split('\n').length).toBeLessThanOrEqual(40);
});

it('a sale in which the table lost a booking that its buyer has paid is not accepted', () => {
  const { bookingId } = result.evidence.confirmations.at(-1)!;
  const bookings = result.evidence.bookings.filter(({ id }) => id !== bookingId);
  const { lostAcknowledgements, findings } = checkSale({ ...result.evidence, bookings });
  // The hold of it, and its payment.
  expect(lostAcknowledgements).toBe(2);
  expect(findings.map(({ detail }) => detail)).toContain(`booking ${bookingId} does not exist`);
});
