// Tells the stories of test/model for as long as one likes: `node contracts/scripts/model.ts`. MODEL_RUNS says how many
// (10,000 unless set), MODEL_SEED from which number on (today's date in seconds unless set, so that each call sees others).
import { runStories } from '../test/model/run.ts'

const runs = Number(process.env['MODEL_RUNS'] ?? 10_000)
const seed = Number(process.env['MODEL_SEED'] ?? Math.floor(Date.now() / 1000))
/** Longer than in the tests: deeper. */
const STEPS = 24
const began = performance.now()
console.log(`${runs} stories from seed ${seed}`)
const { steps, paid, exits } = await runStories(runs, STEPS, seed, (done) => {
  if (done % 500 === 0) console.log(`${done} stories, ${Math.round((performance.now() - began) / 1000)} s`)
})
console.log(`${runs} stories, ${steps} messages, ${paid} nanograms paid: the model and the contract agree in all`)
const tally = [...exits].toSorted(([a], [b]) => a - b).map(([exit, times]) => `${exit}: ${times}`)
console.log(`exit codes met: ${tally.join(', ')}`)
