import { searchAll } from './search.ts'
import { makeTargets } from './targets.ts'

/**
 * `node protocol/fuzz/appraisal.ts`: mutates everything that an appraisal reads. Prints one line of JSON and ends with 1
 * when an authenticated byte could be changed or an error was not typed.
 *
 * FUZZ_RUNS: random mutations, 100,000 where nothing is said. FUZZ_SEED: another search. FUZZ_SWEEP=0: leaves out the
 * flip of every byte that comes first.
 */
const number = (name: string, otherwise: number): number => {
  const value = Number(process.env[name] ?? otherwise)
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${name} is not a number`)
  return value
}

const options = {
  runs: number('FUZZ_RUNS', 100_000),
  seed: number('FUZZ_SEED', 20_261_122),
  sweepEvery: number('FUZZ_SWEEP', 1),
}
const started = performance.now()
const summary = await searchAll(await makeTargets(), options)
console.log(JSON.stringify({ ...summary, seconds: Math.round((performance.now() - started) / 1000) }))
process.exitCode = summary.findings.length > 0 ? 1 : 0
