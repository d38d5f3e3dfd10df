// `npm run bench`: measures the built broker in workerd itself, not `wrangler dev`, and prints one JSON object.
// What is compared is measured in turns within this one run: on a shared machine only ratios mean anything.
// `npm run bench -- relay streams` runs the parts named.
import { startSystem, type System } from '@cocoon/localnet'
import { measureAppraisal } from './appraisal.ts'
import { measureAppraisalSize } from './appraisal-size.ts'
import { measureBill } from './bill.ts'
import { inChromium } from './chromium.ts'
import { measureDecision } from './decision.ts'
import { measureFees } from './fees.ts'
import { measureFirstToken } from './first-token.ts'
import { measureMoneySigning } from './money-signing.ts'
import { measureNodeMemory } from './node-memory.ts'
import { packagedVerifier } from './packaged-verifier.ts'
import { measurePopulation } from './population.ts'
import { measureProof } from './proof.ts'
import { measureRelay } from './relay.ts'
import { measureSealing } from './sealing.ts'
import { measureStreams } from './streams.ts'
import { judged } from './targets.ts'

async function within<T>(nodes: number, measure: (system: System) => Promise<T>): Promise<T> {
  const system = await startSystem({ build: false, nodes })
  try {
    return await measure(system)
  } finally {
    await system.stop()
  }
}

/** Each part has a system of its own, so that none is measured in the wake of another. */
const parts: Readonly<Record<string, () => unknown>> = {
  firstToken: () => within(1, measureFirstToken),
  proof: measureProof,
  relay: measureRelay,
  streams: () => within(0, measureStreams),
  broker: measurePopulation,
  node: () => within(1, measureNodeMemory),
  decision: measureDecision,
  bill: measureBill,
  money: async () => ({
    fees: await measureFees(),
    signing: {
      node: await measureMoneySigning(),
      chromium: await inChromium('./money-signing.ts', 'measureMoneySigning'),
    },
  }),
  appraisal: async () => ({
    gzipped: await measureAppraisalSize(),
    node: await measureAppraisal(packagedVerifier),
    chromium: await inChromium('./appraisal.ts', 'measureAppraisal'),
  }),
  sealing: async () => ({ node: await measureSealing(), chromium: await inChromium('./sealing.ts', 'measureSealing') }),
}

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !(name in parts))
if (unknown.length > 0) {
  console.error(`no part is named ${unknown.join(', ')}; there are: ${Object.keys(parts).join(', ')}`)
  process.exit(2)
}
// Builds once; a system that fails to start says so here.
await (await startSystem({ nodes: 0 })).stop()
const results: Record<string, unknown> = {
  machine: { node: process.version, platform: process.platform, cores: navigator.hardwareConcurrency },
}
for (const [name, measure] of Object.entries(parts)) {
  if (asked.length > 0 && !asked.includes(name)) continue
  console.error(`measuring ${name} ...`)
  results[name] = await measure()
}
console.log(JSON.stringify({ ...results, targets: judged(results) }, null, 2))
process.exit(0)
