import { expect, it } from 'vitest';
import { costRows, worstAnonymous } from '../src/request-costs/cost-rows.ts';
import { gatherCrowd } from '../src/request-costs/crowd.ts';
import { measureRequestCosts } from '../src/request-costs/measure-request-costs.ts';

it('the bench tells the cost of one request of each route, and the dearest anonymous one', async () => {
  await using crowd = await gatherCrowd({ seats: 2_000, otherEvents: 1 });
  const costs = await measureRequestCosts(crowd, { requests: 1, measureMs: 0, mapPauseMs: 1_200 });
  const answers = costs.map(
    ({ service, method, title, answer }) => `${service} ${method} ${title}: ${answer}`,
  );
  expect(answers).toEqual(
    expect.arrayContaining([
      'booking-api GET map, gzip: 200',
      'booking-api GET map, not modified: 304',
      'booking-api GET live, half of the seats held: 101',
      'booking-api GET live, unknown event: 404',
      'booking-api POST hold: 401',
      'booking-api POST event, bad rows, 16 MiB: 400',
      'booking-api POST event of 100,000 seats: 201',
      'payment-api POST confirm: 401',
    ]),
  );
  for (const { bytes, serviceMs, postgresMs } of costs) {
    expect(bytes).toBeGreaterThanOrEqual(0);
    expect(serviceMs + postgresMs).toBeGreaterThanOrEqual(0);
  }
  expect(worstAnonymous(costs)).not.toHaveProperty('access');
  expect(costRows(costs)).toHaveLength(costs.length + 1);
});
