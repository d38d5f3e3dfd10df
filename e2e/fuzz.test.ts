import { expect, it } from 'vitest'
import { runFuzz } from './fuzz/fuzz.ts'

it('broker and node answer whatever is said to them with a typed error or a closed socket, and go on', async () => {
  const summary = await runFuzz({ seed: 1, inputs: 1_500, users: 40, atOnce: 8 })
  expect(summary.breaches).toEqual([])
  expect(summary.inputs).toBeGreaterThanOrEqual(1_500)
}, 120_000)
