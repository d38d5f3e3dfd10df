import type { Parameters } from 'fast-check'

/** FUZZ_RUNS asks for a longer search, with a seed of its own each time. */
const asked = Number(process.env['FUZZ_RUNS'] ?? 0)

/** Every run of the suite looks at the same cases, so that it fails for a change and never by chance. */
export function runs<T>(count: number): Parameters<T> {
  return asked > 0 ? { numRuns: asked } : { numRuns: count, seed: 20_261_122 }
}
