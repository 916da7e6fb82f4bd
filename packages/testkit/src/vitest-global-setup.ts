import type { TestProject } from 'vitest/node';
import { startTestServers, type TestServers } from './fixtures/test-servers.ts';
import { serviceVariables } from './neutral-environment.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    ticketingTestServers: TestServers;
  }
}

interface Shared {
  users: number;
  readonly starting: ReturnType<typeof startTestServers>;
}

/** Each vitest project loads its own copy of this module; they have only the process in common. */
const shelf = globalThis as { [key: symbol]: Shared | undefined };
const place = Symbol.for('@ticketing/testkit: test servers');

/** The global setup of each vitest project whose tests need servers; all projects share one PostgreSQL and one Redis. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  // The workers inherit this environment: a developer's settings for a real stack must not reach the tests.
  for (const name of serviceVariables()) delete process.env[name];
  const shared = (shelf[place] ??= { users: 0, starting: startTestServers() });
  shared.users += 1;
  const { servers, stop } = await shared.starting;
  project.provide('ticketingTestServers', servers);
  return async () => {
    shared.users -= 1;
    if (shared.users > 0) return;
    shelf[place] = undefined;
    await stop();
  };
}
