import { defineConfig } from 'vitest/config';

/** Workspace packages are taken from their sources, so that a test never meets a stale build. */
const sourceConditions = ['source'];

function project(name: string, suffix: string, options: { servers: boolean; testTimeout: number }) {
  return {
    resolve: { conditions: sourceConditions },
    ssr: { resolve: { conditions: sourceConditions } },
    test: {
      name,
      include: [`{apps,packages,packages/tools}/*/test/**/*.${suffix}.ts`],
      exclude: name === 'unit' ? ['**/*.{integration,race,e2e,infra}.test.ts'] : [],
      testTimeout: options.testTimeout,
      hookTimeout: 60_000,
      // Files share what they import: to import it anew for each takes half of the time. Beside `projects` it would
      // reach none of them.
      isolate: false,
      restoreMocks: true,
      unstubEnvs: true,
      ...(options.servers ? { globalSetup: 'packages/testkit/src/vitest-global-setup.ts' } : {}),
    },
  };
}

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      project('unit', 'test', { servers: false, testTimeout: 5_000 }),
      project('integration', 'integration.test', { servers: true, testTimeout: 20_000 }),
      project('race', 'race.test', { servers: true, testTimeout: 120_000 }),
      project('e2e', 'e2e.test', { servers: true, testTimeout: 120_000 }),
      // The files of a deployment, by their own tools, and the slow commands of this repository: npm run test:infra, not npm test.
      // They wait with deadlines of their own, which DEADLINE_FACTOR stretches.
      project('infra', 'infra.test', { servers: true, testTimeout: 600_000 }),
    ],
  },
});
