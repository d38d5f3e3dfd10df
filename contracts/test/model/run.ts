import { newChain } from '../chain.ts'
import { Story } from './story.ts'

export interface Told {
  /** Messages. */
  readonly steps: number
  /** Nanograms that left the channels. */
  readonly paid: bigint
  /** How often each exit code was met, 0 included. */
  readonly exits: ReadonlyMap<number, number>
}

/**
 * Tells `runs` stories of `steps` messages each, from `seed` on; those of odd numbers have honest brokers.
 * @throws Error that names the seed and step of the first story that went otherwise than the model
 */
export async function runStories(
  runs: number,
  steps: number,
  seed: number,
  report: (done: number) => void = () => {},
): Promise<Told> {
  let chain = await newChain()
  const told = { steps: 0, paid: 0n, exits: new Map<number, number>() }
  for (let run = 0; run < runs; run++) {
    // The emulated chain remembers every transaction.
    if (run % 200 === 199) chain = await newChain()
    const honest = (seed + run) % 2 === 1
    const story = new Story(chain, seed + run, honest)
    try {
      await story.tell(steps)
    } catch (cause) {
      throw new Error(`story ${seed + run}${honest ? ' (honest)' : ''}, step ${story.steps}: ${String(cause)}`, {
        cause,
      })
    }
    told.steps += story.steps
    told.paid += story.paid
    for (const exit of story.exits) told.exits.set(exit, (told.exits.get(exit) ?? 0) + 1)
    report(run + 1)
  }
  return told
}
