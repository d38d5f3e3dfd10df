import { describe, expect, it } from 'vitest'
import { runStories } from './model/run.ts'

/** MODEL_RUNS asks for more, MODEL_SEED for others; `node contracts/scripts/model.ts` is the command for it. */
const runs = Number(process.env['MODEL_RUNS'] ?? 200)
const seed = Number(process.env['MODEL_SEED'] ?? 20_261_122)

describe('I1 to I13 the channel', () => {
  it(
    `does what the reference model does, step by step, in ${runs} random stories`,
    { timeout: 60_000 + runs * 2_000 },
    async () => {
      const { steps, paid } = await runStories(runs, seed)
      expect(steps).toBe(runs * 24)
      // The stories are worth telling: coins move in them.
      expect(paid).toBeGreaterThan(0n)
    },
  )
})
