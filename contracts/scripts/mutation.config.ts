import { defineConfig } from 'vitest/config'

/** The tests that judge a mutant, in one process and without the other rooms' settings, which take seconds to load. */
export default defineConfig({
  test: { fileParallelism: false, isolate: false, bail: 1, testTimeout: 60_000, reporters: ['dot'] },
})
