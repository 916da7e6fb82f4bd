import getPort from 'get-port';
import { type ServiceName, serviceNames, servicePorts, StackError } from '@ticketing/testkit';

export interface ServiceAddress {
  readonly name: ServiceName;
  readonly host: string;
  readonly port: number;
  readonly url: string;
}

/** The addresses of the services, by the environment or by default. */
export function serviceAddresses(env: NodeJS.ProcessEnv): ServiceAddress[] {
  const host = env['HOST'] || '127.0.0.1';
  const addresses = serviceNames.map((name): ServiceAddress => {
    const { variable, port: usual } = servicePorts[name];
    const port = Number(env[variable] || usual);
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      throw new StackError(`${variable} must be a port, a whole number from 1 to 65535.`);
    return { name, host, port, url: `http://${reachableHost(host)}:${port}` };
  });
  for (const [index, { name, port }] of addresses.entries()) {
    const duplicate = addresses.slice(0, index).find((other) => other.port === port);
    if (duplicate === undefined) continue;
    const variables = `${servicePorts[duplicate.name].variable} and ${servicePorts[name].variable}`;
    throw new StackError(`${variables} are both ${port}; each service needs a port of its own.`);
  }
  return addresses;
}

/** Tries each port before anything is started: another program on it could be taken for our service. */
export async function checkPortsAreFree(addresses: readonly ServiceAddress[]): Promise<void> {
  for (const { name, host, port } of addresses) {
    const free = await getPort({ port, host }).catch((error: unknown) => {
      throw new StackError(`HOST "${host}" is not an address of this machine.`, { cause: error });
    });
    if (free === port) continue;
    const isPrivileged = port < 1024 && process.getuid?.() !== 0;
    const why = isPrivileged ? 'is for root only or used by another program' : 'is used by another program';
    throw new StackError(
      `Port ${port}, wanted for ${name}, ${why}. End that program, or set ${servicePorts[name].variable} to another port.`,
    );
  }
}

/** A service that listens on all addresses is reached on loopback. */
function reachableHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
