import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { checkPortsAreFree, serviceAddresses } from '../src/supervisor/service-addresses.ts';
import { startOptions } from '../src/supervisor/start-options.ts';

describe('npm start', () => {
  it('refuses an unknown argument rather than start on old data', () => {
    expect(startOptions(['--fresh'], {})).toMatchObject({ fresh: true, help: undefined });
    expect(() => startOptions(['--fersh'], {})).toThrow('npm start does not know "--fersh".');
  });

  it('refuses to empty named servers', () => {
    const env = { DATABASE_URL: 'postgres://shop', REDIS_URL: 'redis://shop' };
    expect(startOptions([], env).databaseUrl).toBe('postgres://shop');
    expect(() => startOptions(['--fresh'], env)).toThrow('refused while DATABASE_URL and REDIS_URL is set');
    expect(() => startOptions(['--fresh'], { REDIS_URL: 'redis://shop' })).toThrow('REDIS_URL');
    expect(startOptions(['--fresh'], { DATABASE_URL: '', REDIS_URL: '' }).databaseUrl).toBeUndefined();
  });

  it.each(['MIGRATE_DATABASE_URL', 'DATABASE_REPLICA_URL', 'QUEUE_REDIS_URL'])(
    'refuses a foreign %s beside a private server',
    (name) => {
      expect(() => startOptions([], { [name]: 'x://elsewhere' })).toThrow(`${name} is set without`);
    },
  );

  it('refuses a port out of range, and one port for two services', () => {
    expect(() => serviceAddresses({ PAYMENT_API_PORT: '70000' })).toThrow('PAYMENT_API_PORT must be a port');
    expect(() => serviceAddresses({ PAYMENT_API_PORT: '3001' })).toThrow(
      'BOOKING_API_PORT and PAYMENT_API_PORT are both 3001',
    );
  });

  it('refuses a port that another program uses, and names the variable to set', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const [, , worker] = serviceAddresses({ EXPIRY_WORKER_PORT: String(port) });
    await expect(checkPortsAreFree([worker!])).rejects.toThrow(
      `Port ${port}, wanted for expiry-worker, is used by another program. End that program, or set EXPIRY_WORKER_PORT`,
    );
    await new Promise((resolve) => server.close(resolve));
    await expect(checkPortsAreFree([{ ...worker!, host: '192.0.2.1' }])).rejects.toThrow('not an address');
  });

  it.each([
    ['0.0.0.0', 'http://127.0.0.1:3001'],
    ['::', 'http://[::1]:3001'],
    ['fd00::7', 'http://[fd00::7]:3001'],
    ['', 'http://127.0.0.1:3001'],
  ])('reaches a service with HOST "%s" at %s', (host, url) => {
    expect(serviceAddresses({ HOST: host })[0]?.url).toBe(url);
  });
});
