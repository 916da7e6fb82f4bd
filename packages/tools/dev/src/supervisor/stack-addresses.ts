import { createServer } from 'node:net';
import { errorCode, type ServiceName, serviceNames, servicePorts, StackError } from '@ticketing/testkit';

export interface ServiceAddress {
  readonly name: ServiceName;
  readonly host: string;
  readonly port: number;
  readonly url: string;
}

/** Where the services will listen, by the environment or by default. */
export function serviceAddresses(env: NodeJS.ProcessEnv): ServiceAddress[] {
  const host = valueOf(env, 'HOST') ?? '127.0.0.1';
  const addresses = serviceNames.map((name): ServiceAddress => {
    const { variable, port: usual } = servicePorts[name];
    const port = Number(valueOf(env, variable) ?? usual);
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new StackError(`${variable} must be a port, a whole number from 1 to 65535.`);
    }
    return { name, host, port, url: `http://${reachableHost(host)}:${port}` };
  });
  for (const [index, { name, port }] of addresses.entries()) {
    const twin = addresses.slice(0, index).find((other) => other.port === port);
    if (twin !== undefined) {
      const variables = `${servicePorts[twin.name].variable} and ${servicePorts[name].variable}`;
      throw new StackError(`${variables} are both ${port}; each service needs a port of its own.`);
    }
  }
  return addresses;
}

/** Tries each port before anything is started, so that the sentence names it. */
export async function checkPortsAreFree(addresses: readonly ServiceAddress[]): Promise<void> {
  for (const { name, host, port } of addresses) {
    const { variable } = servicePorts[name];
    try {
      await listenOnce(host, port);
    } catch (error) {
      const reasons: Readonly<Record<string, string>> = {
        EADDRINUSE: `Port ${port}, wanted for ${name}, is used by another program. End that, or set ${variable} to another port.`,
        EACCES: `Port ${port}, wanted for ${name}, may not be used by this user. Set ${variable} to one above 1023.`,
        EADDRNOTAVAIL: `HOST is not an address of this machine.`,
        ENOTFOUND: `HOST is not an address of this machine.`,
      };
      const reason = reasons[errorCode(error) ?? ''];
      throw reason === undefined ? error : new StackError(reason, { cause: error });
    }
  }
}

function listenOnce(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve()));
  });
}

/** Who listens everywhere is asked on loopback. */
function reachableHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

function valueOf(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const value = env[name];
  return value === '' ? undefined : value;
}
