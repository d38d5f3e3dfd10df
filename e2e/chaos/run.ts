// `node e2e/chaos/run.ts`: ten minutes of faults. CHAOS_SECONDS and CHAOS_SEED change that. Prints one JSON object, and
// ends with 1 when a promise was broken.
import { buildBundle } from '@cocoon/localnet'
import { runChaos } from './chaos.ts'
import { longStorm } from './plans.ts'

const seconds = Number(process.env['CHAOS_SECONDS'] ?? 600)
const seed = Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000)
await buildBundle(() => undefined)
const summary = await runChaos({ ...longStorm, seed, seconds, note: (text) => console.error(text) })
console.log(JSON.stringify(summary, null, 2))
process.exit(summary.breaches.length === 0 ? 0 : 1)
