import type { Parameters } from 'fast-check'

/** Every run of the suite looks at the same cases, so that it fails for a change and never by chance. */
export function runs<T>(numRuns: number): Parameters<T> {
  return { numRuns, seed: 20_261_122 }
}
