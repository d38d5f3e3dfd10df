import { describe, expect, it } from 'vitest'
import { exitCodes } from '../src/index.ts'
import { runStories } from './model/run.ts'

/** MODEL_RUNS asks for more, MODEL_SEED for others; `node contracts/scripts/model.ts` is the command for it. */
const runs = Number(process.env['MODEL_RUNS'] ?? 200)
const STEPS = 16
/** In the basechain alone, with honest wrappers, and with few keys: these have tests of their own. */
const NOT_MET = ['403', '409', '410', '420']
const seed = Number(process.env['MODEL_SEED'] ?? 20_261_122)

describe('I1 to I13 the channel', () => {
  it('agrees with it where the rent that is owed takes all of a message', async () => {
    // Met by the long run: no gas can be bought then, whatever the message says.
    const { exits } = await runStories(1, 24, 20_269_765)
    expect(exits.has(-1)).toBe(true)
  })

  it(
    `does what the reference model does, step by step, in ${runs} random stories`,
    { timeout: 60_000 + runs * 2_000 },
    async () => {
      const { steps, paid, exits } = await runStories(runs, STEPS, seed)
      expect(steps).toBe(runs * STEPS)
      // The stories are worth telling: coins move in them.
      expect(paid).toBeGreaterThan(0n)
      if (process.env['MODEL_RUNS'] !== undefined) return
      const met = Object.keys(exitCodes).filter((exit) => exits.has(Number(exit)))
      expect(met).toEqual(Object.keys(exitCodes).filter((exit) => !NOT_MET.includes(exit)))
    },
  )
})
