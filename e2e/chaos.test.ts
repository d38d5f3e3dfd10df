import { expect, it } from 'vitest'
import { runChaos } from './chaos/chaos.ts'
import { shortStorm } from './chaos/plans.ts'

it('no answer is lost, mixed or cut short, no error is untrue and nothing stays behind, whatever breaks for half a minute', async () => {
  const summary = await runChaos({ ...shortStorm, seed: 1, seconds: 30 })
  expect(summary.breaches).toEqual([])
  expect(summary.answered).toBeGreaterThan(50)
  expect(Object.keys(summary.faults).length).toBeGreaterThan(10)
}, 400_000)
