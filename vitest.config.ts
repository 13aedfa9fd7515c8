import { defineConfig } from 'vitest/config';

/**
 * Three projects: `unit` (pure or in-process, threads), `e2e` (starts processes or kubectl: files named
 * *.e2e.test.ts) and `soak` (long runs: *.soak.test.ts, only with `npm run soak`).
 */
const soak = process.env['npm_lifecycle_event'] === 'soak';
export default defineConfig({
  test: {
    // By default one core is left idle: on two that is half of them.
    maxWorkers: '100%',
    reporters: ['default', './scripts/summary-reporter.ts'],
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**/*.ts'],
      exclude: ['packages/machinery/src/api/**'],
      reporter: ['text-summary', 'json-summary'],
    },
    projects: [
      {
        test: {
          name: 'unit',
          setupFiles: ['./scripts/property-seed.ts'],
          include: ['packages/*/test/**/*.test.ts'],
          exclude: ['**/*.e2e.test.ts', '**/*.soak.test.ts'],
          pool: 'threads',
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'e2e',
          setupFiles: ['./scripts/property-seed.ts'],
          include: ['packages/*/test/**/*.e2e.test.ts', 'test/**/*.e2e.test.ts'],
          pool: 'forks',
          testTimeout: 180_000,
          hookTimeout: 60_000,
        },
      },
      ...(soak
        ? [
            {
              test: {
                name: 'soak',
                include: ['packages/*/test/**/*.soak.test.ts', 'test/**/*.soak.test.ts'],
                pool: 'forks' as const,
                testTimeout: 3_600_000,
              },
            },
          ]
        : []),
    ],
  },
});
