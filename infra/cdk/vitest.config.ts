import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: './test/temporary.ts',
    reporters: ['default', './test/summary.ts'],
    // One worker without walls between files: a stage is synthesised once for all of them.
    pool: 'threads',
    maxWorkers: 1,
    isolate: false,
    // A synthesis takes seconds, more on a busy machine.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
