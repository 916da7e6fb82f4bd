import { expect, test } from 'vitest';
import { addressOf } from '../src/index.ts';
import { buildService } from './fixtures/build-service.ts';

const proxies = '10.0.0.0/8, fd00::/8';

/** The addresses that requests count for, and the warnings that were logged meanwhile. */
function build() {
  const { app, lines } = buildService(
    (service) => {
      service.get('/address', (request) => ({ address: addressOf(request) }));
    },
    { trustedProxies: proxies },
  );
  const ask = async (forwarded: string | undefined, from = '10.1.2.3', more = {}) => {
    const headers = { ...(forwarded !== undefined && { 'x-forwarded-for': forwarded }), ...more };
    const answer = await app.inject({ url: '/address', remoteAddress: from, headers });
    expect(answer.statusCode).toBe(200);
    return answer.json<{ address: string }>().address;
  };
  return { ask, warnings: () => lines.filter(({ level }) => level === 'warn') };
}

test.each([
  ['203.0.113.7', '203.0.113.7'],
  ['203.0.113.7:51007', '203.0.113.7'],
  ['  203.0.113.7:51007\t', '203.0.113.7'],
  ['"203.0.113.7:51007"', '203.0.113.7'],
  ['[203.0.113.7]:80', '203.0.113.7'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['[::ffff:203.0.113.7]:443', '203.0.113.7'],
  ['::FFFF:cb00:7107', '203.0.113.7'],
  ['2001:db8:1:2::7', '2001:db8:1:2::'],
  ['[2001:db8:1:2::7]', '2001:db8:1:2::'],
  ['[2001:DB8:1:2::7]:443', '2001:db8:1:2::'],
  ['"[2001:db8:1:2::7]:443"', '2001:db8:1:2::'],
  ['2001:db8:1:2:3:4:5:6:51007', '2001:db8:1:2::'],
  ['2001:db8:1:2::7%eth0', '2001:db8:1:2::'],
  ['[fe80::1%25eth0]:443', 'fe80::'],
  ['198.51.100.1:7, 203.0.113.7:51007, 10.9.9.9:4711', '203.0.113.7'],
  ['198.51.100.1, 203.0.113.7, [fd00::9]:8443,::ffff:10.2.2.2', '203.0.113.7'],
  // All hops are trusted: the first of them is the client.
  ['10.9.9.9:4711', '10.9.9.9'],
])('the address of a client that a trusted proxy forwards as %j is %s', async (forwarded, address) => {
  const { ask, warnings } = build();
  expect(await ask(forwarded)).toBe(address);
  expect(warnings()).toEqual([]);
});

test.each([
  'unknown',
  '_hidden',
  '',
  ' ',
  ',',
  '203.0.113.7,',
  '203.0.113.7, ,10.9.9.9',
  '203.0.113.7, unknown',
  '203.0.113',
  '203.0.113.7.9',
  '203.0.113.7:port',
  '203.0.113.7:999999',
  '3405803783',
  '0xcb007107',
  '[2001:db8::1',
  'client.example:443',
  'constructor',
])('clients that a trusted proxy forwards as %j are counted apart, and said once', async (forwarded) => {
  const { ask, warnings } = build();
  const address = await ask(forwarded);
  expect(address).toMatch(/^unreadable behind 10\.\d+\.\d+\.\d+$/);
  expect(await ask(forwarded)).toBe(address);
  expect(await ask(undefined)).toBe('10.1.2.3');
  expect(warnings()).toHaveLength(1);
  expect(warnings()[0]).toMatchObject({ proxy: address.slice('unreadable behind '.length) });
});

test('the header of a client is not believed: it may hold anything', async () => {
  const { ask, warnings } = build();
  for (const forged of ['198.51.100.1', 'unknown', '']) {
    expect(await ask(forged, '203.0.113.7')).toBe('203.0.113.7');
  }
  expect(warnings()).toEqual([]);
});

test('the headers Forwarded and X-Real-IP are not believed, even of a trusted proxy', async () => {
  const { ask } = build();
  const more = { forwarded: 'for=198.51.100.1', 'x-real-ip': '198.51.100.1' };
  expect(await ask('203.0.113.7', '10.1.2.3', more)).toBe('203.0.113.7');
  expect(await ask(undefined, '10.1.2.3', more)).toBe('10.1.2.3');
});
