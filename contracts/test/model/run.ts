import { newChain } from '../chain.ts'
import { Story } from './story.ts'

const STEPS = 24

/**
 * Runs `runs` stories from `seed` on; every other one has honest brokers.
 * @throws Error that names the seed and step of the first story that went otherwise than the model
 */
export async function runStories(
  runs: number,
  seed: number,
  report: (done: number) => void = () => {},
): Promise<{ steps: number; paid: bigint }> {
  let chain = await newChain()
  const told = { steps: 0, paid: 0n }
  for (let run = 0; run < runs; run++) {
    // The emulated chain remembers every transaction.
    if (run % 200 === 199) chain = await newChain()
    const story = new Story(chain, seed + run, run % 2 === 1)
    try {
      await story.tell(STEPS)
    } catch (cause) {
      throw new Error(`story ${seed + run}${run % 2 === 1 ? ' (honest)' : ''}, step ${story.steps}: ${String(cause)}`, {
        cause,
      })
    }
    told.steps += story.steps
    told.paid += story.paid
    report(run + 1)
  }
  return told
}
