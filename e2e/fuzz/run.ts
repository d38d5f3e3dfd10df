// `node e2e/fuzz/run.ts`: a hundred thousand inputs. FUZZ_RUNS and FUZZ_SEED change that. Prints one JSON object, and
// ends with 1 when something broke.
import { buildBundle } from '@cocoon/localnet'
import { runFuzz } from './fuzz.ts'

const inputs = Number(process.env['FUZZ_RUNS'] ?? 100_000)
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1_000_000)
await buildBundle(() => undefined)
const summary = await runFuzz({ seed, inputs, users: 200, atOnce: 16, note: (text) => console.error(text) })
console.log(JSON.stringify(summary, null, 2))
process.exit(summary.breaches.length === 0 ? 0 : 1)
