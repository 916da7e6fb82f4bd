import { defineConfig } from 'vitest/config';

/** Tests take workspace packages from their sources: a stale build is never tested. */
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
      // Files share their imports: importing anew for each file took half of the time. Beside `projects` this setting would
      // have no effect.
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
      // Deployment files, read by their own tools, and slow commands: npm run test:infra runs them, npm test does not.
      // They wait with deadlines of their own, which DEADLINE_FACTOR multiplies.
      project('infra', 'infra.test', { servers: true, testTimeout: 600_000 }),
    ],
  },
});
