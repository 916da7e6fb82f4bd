import { configSchema as bookingApi } from '@ticketing/booking-api/describe';
import { configSchema as expiryWorker } from '@ticketing/expiry-worker/describe';
import { configSchema as paymentApi } from '@ticketing/payment-api/describe';
import { ConfigError, readConfig } from '@ticketing/service-kit';
import type { ServiceName } from '@ticketing/testkit';

type Environment = Readonly<Record<string, string>>;

const schemas = { 'booking-api': bookingApi, 'payment-api': paymentApi, 'expiry-worker': expiryWorker };

/** Of the Dockerfile, whose check asks for them. */
const imageEnvironment: Environment = { NODE_ENV: 'production', HOST: '0.0.0.0' };

/** Texts in place of secrets, by the format of their variable. */
const secrets: Environment = {
  'postgres-url': 'postgres://user:secret@postgres.example/ticketing',
  'redis-url': 'redis://:secret@redis.example',
  'http-url': 'https://identity.example/keys',
};

/** @returns what stands for a secret that the files of a deployment only name: a value that its service accepts */
export function secretFor(service: ServiceName, variable: string): string {
  const property = Object.entries(schemas[service].properties).find(([name]) => name === variable)?.[1];
  return secrets[String(property?.format)] ?? 'x'.repeat(64);
}

/**
 * Reads an environment as the service would at its start.
 *
 * @param written the variables that the files of the deployment set
 * @param injected those that the platform adds; the written ones win
 * @returns one sentence for each variable that stops the service, or that no service reads
 */
export function checkServiceEnvironment(
  service: ServiceName,
  written: Environment,
  injected: Environment = {},
): string[] {
  const known = new Set(Object.values(schemas).flatMap(({ properties }) => Object.keys(properties)));
  const unread = Object.keys(written).filter((name) => !known.has(name));
  return [
    ...unread.map((name) => `${service} is given ${name}, which no service reads`),
    ...stopsOf(service, { ...imageEnvironment, ...injected, ...written }),
  ];
}

function stopsOf(service: ServiceName, environment: Environment): string[] {
  try {
    readConfig(schemas[service], environment);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const [, ...lines] = error.message.split('\n');
    return lines.map((line) => `${service} cannot start: ${line.replace('  - ', '')}`);
  }
}
