import { openRetention } from '@ticketing/seat-core/admin';
import { expectProblem, waitFor } from '@ticketing/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { followLive, RefusedUpgrade } from '../fixtures/follow-live.ts';
import { openTestApi, type TestApi } from '../fixtures/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(async () => api[Symbol.asyncDispose]());

it('every route answers 404 for a retired event within 2 s, and its live clients are closed', async () => {
  const { event, seatIds } = await api.createEvent(3);
  const path = `/api/v1/events/${event.id}`;
  const paths = [path, `${path}/seats`, `/api/v1/seats/available?eventId=${event.id}`];
  for (const known of paths) expect((await api.call('GET', known)).status).toBe(200);
  using client = await followLive(api.url, event.id);

  await api.query(
    `update events set starts_at = now() - interval '400 days', created_at = now() - interval '401 days' where id = $1`,
    [event.id],
  );
  await using retention = await openRetention(api.stack);
  const archive = { write: async () => undefined, finish: async () => undefined };
  await retention.retireEvent({ eventId: event.id, keptDays: 365, archive });

  for (const known of paths) {
    const answer = await waitFor(
      async () => {
        const found = await api.call('GET', known);
        return found.status === 404 ? found : undefined;
      },
      { description: `${known} to be unknown`, timeoutMs: 2_000 },
    );
    expectProblem(answer, { status: 404, code: 'EVENT_NOT_FOUND' });
  }
  await waitFor(() => client.closeCode() === 4404, {
    description: 'the live client to be closed',
    timeoutMs: 2_000,
  });
  await expect(followLive(api.url, event.id)).rejects.toBeInstanceOf(RefusedUpgrade);
  const hold = await api.call('POST', '/api/v1/booking', { seatIds, userId: 'ani' });
  expectProblem(hold, { status: 404, code: 'SEAT_NOT_FOUND' });
});
