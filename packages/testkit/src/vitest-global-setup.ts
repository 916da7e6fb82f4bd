import type { TestProject } from 'vitest/node';
import { shareTestServers } from './fixtures/share-test-servers.ts';
import type { TestServers } from './fixtures/test-servers.ts';
import { contractVariables } from './services/contract-variables.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    ticketingTestServers: TestServers;
  }
}

/** Named by each vitest project whose tests need servers; they all share one PostgreSQL and one Redis. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  // The tests' workers inherit this environment: what a developer has set for a real stack must not reach them.
  for (const name of contractVariables) delete process.env[name];
  const { servers, release } = await shareTestServers();
  project.provide('ticketingTestServers', servers);
  return release;
}
