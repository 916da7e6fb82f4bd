import { expect, test } from 'vitest';
import { authentication } from '../src/auth/authentication.ts';
import { type HttpService, createLogger } from '../src/index.ts';
import { requestContext } from '../src/http/request-context.ts';
import { idempotencyKeys } from '../src/idempotency/idempotency-keys.ts';
import { addressLimit, userLimit } from '../src/limits/rate-limits.ts';
import { buildService } from './fixtures/build-service.ts';
import fastify from 'fastify';

const logger = createLogger({ name: 'test-api', level: 'silent' });
const limits = { max: 1, windowSeconds: 1, logger };

const plugins = {
  'address-limit': (app: HttpService) => void app.register(addressLimit, limits),
  authentication: (app: HttpService) => void app.register(authentication, { tokens: null, logger }),
  'user-limit': (app: HttpService) => void app.register(userLimit, limits),
  'idempotency-keys': (app: HttpService) => void app.register(idempotencyKeys),
} as const;
type PluginName = keyof typeof plugins;

const register = (names: readonly PluginName[]) =>
  buildService((app) => {
    for (const name of names) plugins[name](app);
  }).app.ready();

test('a service starts with its plugins in their order', async () => {
  const names: PluginName[] = ['address-limit', 'authentication', 'user-limit', 'idempotency-keys'];
  await expect(register(names)).resolves.toBeDefined();
});

test.each<[PluginName, PluginName, PluginName[]]>([
  ['authentication', 'address-limit', ['authentication', 'address-limit']],
  ['user-limit', 'authentication', ['address-limit', 'user-limit', 'authentication']],
  ['idempotency-keys', 'user-limit', ['address-limit', 'authentication', 'idempotency-keys', 'user-limit']],
  ['idempotency-keys', 'user-limit', ['address-limit', 'authentication', 'idempotency-keys']],
])('a service with %s and no %s before it does not start', async (early, missing, names) => {
  await expect(register(names)).rejects.toThrow(
    `The dependency '${missing}' of plugin '${early}' is not registered`,
  );
});

test('a request context without the problem handlers before it does not start', async () => {
  const app = fastify();
  app.register(requestContext, { observe: () => undefined });
  await expect(app.ready()).rejects.toThrow(
    "The dependency 'problem-handlers' of plugin 'request-context' is not registered",
  );
});
