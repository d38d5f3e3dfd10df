// A real node in a process of its own, but for two things: its engine repeats what it is asked, and its clock jumps a
// minute whenever the link is up, so that it forgives a relay at once and dials again without waiting.
import { limits, networks } from '@cocoon/protocol'
import { DEMO_MODEL, WorkerNode } from '@cocoon/worker-node'

const FORGIVEN = 61_000
/** Prekeys would be over soon at such jumps: then this process has done its work. */
const JUMPS = 8
let jumps = 0

type Engine = Parameters<typeof WorkerNode.start>[0]['engine']
const usage = { prompt: 1, cached: 0, completion: 1, reasoning: 0 }
const engine: Engine = {
  kind: 'openai',
  slots: 4,
  models: () => Promise.resolve([{ id: DEMO_MODEL.id, context: 2048, maxOutput: 1024 }]),
  async *chat(request, { signal }) {
    for (const { content } of request.messages) {
      await new Promise((resolve) => setTimeout(resolve, 5))
      if (signal.aborted) return yield { type: 'end', finishReason: 'cancelled', usage }
      yield { type: 'delta', index: 0, delta: { content: JSON.stringify(content) } }
    }
    yield { type: 'end', finishReason: 'stop', usage }
  },
  close: () => Promise.resolve(),
}

const price = { prompt: 0n, cached: 0n, completion: 0n, reasoning: 0n }
await WorkerNode.start({
  broker: process.argv[2] ?? '',
  engine,
  engineModels: new Map([[DEMO_MODEL.id, DEMO_MODEL.id]]),
  clock: { now: () => Date.now(), monotonic: () => performance.now() + jumps * FORGIVEN },
  log: (event, fields) => {
    console.log(JSON.stringify({ event, ...fields }))
    if (event === 'link.up' && jumps++ >= JUMPS) process.exit(0)
  },
  terms: {
    network: networks.localnet,
    evidence: null,
    payee: null,
    offers: [{ model: DEMO_MODEL.id, context: 2048, maxOutput: 1024, price }],
    limits: { request: limits.request, seconds: 60 },
  },
})
process.on('disconnect', () => process.exit(0))
