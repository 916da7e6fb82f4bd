import { expect, test } from 'vitest';
import { buildService } from './fixtures/build-service.ts';
import { listen } from './fixtures/listen.ts';
import { parseAnswer } from './fixtures/raw-client.ts';

test.each(['1.1', '1.0'])('answers two Host headers over HTTP/%s with 400', async (version) => {
  for (const second of ['x', 'y']) {
    const { connect } = await listen(buildService().app);
    const client = await connect();
    client.send(
      `GET /health/live HTTP/${version}`,
      'host: x',
      `Host: ${second}`,
      'connection: close',
      '',
      '',
    );
    const answer = parseAnswer(await client.closed());
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toMatchObject({
      code: 'VALIDATION_FAILED',
      errors: [{ detail: 'the header Host is required, once' }],
    });
  }
});

test('an upgrade that no listener routes is disconnected', async () => {
  const { connect } = await listen(buildService(undefined, { isUpgraded: () => true }).app);
  const client = await connect();
  client.send('GET /health/live HTTP/1.1', 'host: x', 'connection: upgrade', 'upgrade: websocket', '', '');
  expect(await client.closed()).toBe('');
});
