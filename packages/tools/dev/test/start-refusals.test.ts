import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { serverChoice } from '../src/supervisor/server-choice.ts';
import { checkPortsAreFree, serviceAddresses } from '../src/supervisor/stack-addresses.ts';
import { parseStartArguments } from '../src/supervisor/start-arguments.ts';

describe('npm start refuses', () => {
  it('an argument that it does not know, rather than start on old data', () => {
    expect(parseStartArguments(['--fresh'])).toEqual({ fresh: true, help: false });
    expect(() => parseStartArguments(['--fersh'])).toThrow('npm start does not know "--fersh".');
  });

  it('to empty servers that are not its own', () => {
    const env = { DATABASE_URL: 'postgres://shop', REDIS_URL: 'redis://shop' };
    expect(serverChoice(env, false).databaseUrl).toBe('postgres://shop');
    expect(() => serverChoice(env, true)).toThrow('refused while DATABASE_URL and REDIS_URL is set');
    expect(() => serverChoice({ REDIS_URL: 'redis://shop' }, true)).toThrow('REDIS_URL');
    expect(serverChoice({ DATABASE_URL: '', REDIS_URL: '' }, true).databaseUrl).toBeUndefined();
  });

  it.each(['MIGRATE_DATABASE_URL', 'DATABASE_REPLICA_URL', 'QUEUE_REDIS_URL'])(
    'a foreign %s beside a private server',
    (name) => {
      expect(() => serverChoice({ [name]: 'x://elsewhere' }, false)).toThrow(`${name} is set without`);
    },
  );

  it('a port that is none, and one port for two services', () => {
    expect(() => serviceAddresses({ PAYMENT_API_PORT: '70000' })).toThrow('PAYMENT_API_PORT must be a port');
    expect(() => serviceAddresses({ PAYMENT_API_PORT: '3001' })).toThrow(
      'BOOKING_API_PORT and PAYMENT_API_PORT are both 3001',
    );
  });

  it('a port that another program uses, and names the variable to set', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const addresses = serviceAddresses({ EXPIRY_WORKER_PORT: String(port) });
    await expect(checkPortsAreFree(addresses.filter(({ name }) => name === 'expiry-worker'))).rejects.toThrow(
      `Port ${port}, wanted for expiry-worker, is used by another program. End that, or set EXPIRY_WORKER_PORT`,
    );
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('a service that listens everywhere', () => {
  it.each([
    ['0.0.0.0', 'http://127.0.0.1:3001'],
    ['::', 'http://[::1]:3001'],
    ['fd00::7', 'http://[fd00::7]:3001'],
    ['', 'http://127.0.0.1:3001'],
  ])('with HOST "%s" is asked at %s', (host, url) => {
    expect(serviceAddresses({ HOST: host })[0]?.url).toBe(url);
  });
});
