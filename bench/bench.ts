// `npm run bench`: measures the built broker in workerd itself, not `wrangler dev`, and prints one JSON object.
// What is compared is measured in turns within this one run: on a shared machine only ratios mean anything.
import { performance } from 'node:perf_hooks'
import { type Client, createClient, keySignIn } from '@cocoon/client'
import { DEMO_MODEL, startSystem } from '@cocoon/localnet'
import { createSigner } from '@cocoon/protocol'
import { DEMO_MODEL as DEMO_WEIGHTS, startEmbeddedEngine } from '@cocoon/worker-node'
import { measureSealing } from './sealing.ts'
import { quantile, rounded } from './statistics.ts'

const ROUNDS = 25
const STREAMS = 40
const question = 'Tell me a long story about a silkworm'
const messages = [{ role: 'user' as const, content: question }]

interface Timing {
  /** Milliseconds to the first token, then between the arrivals of text. */
  readonly first: number
  readonly between: number[]
  readonly tokens: number
  readonly total: number
}

async function timed(arrivals: AsyncIterable<{ token: boolean; tokens?: number }>): Promise<Timing> {
  const began = performance.now()
  const between: number[] = []
  let first = Number.NaN
  let last = began
  let tokens = 0
  for await (const arrival of arrivals) {
    const now = performance.now()
    if (arrival.token) {
      if (Number.isNaN(first)) first = now - began
      else between.push(now - last)
      last = now
    }
    tokens = arrival.tokens ?? tokens
  }
  return { first, between, tokens, total: performance.now() - began }
}

async function* throughSystem(client: Client): AsyncGenerator<{ token: boolean; tokens?: number }> {
  for await (const event of client.ask({ model: DEMO_MODEL.id, messages, temperature: 0 })) {
    if (event.type === 'delta') yield { token: true }
    else if (event.type === 'done') yield { token: false, tokens: event.usage.completion }
  }
}

function summary(timings: readonly Timing[]) {
  const first = timings.map((timing) => timing.first)
  const between = timings.flatMap((timing) => timing.between)
  return {
    firstTokenMs: { p50: rounded(quantile(first, 0.5)), p99: rounded(quantile(first, 0.99)) },
    betweenArrivalsMs: { p50: rounded(quantile(between, 0.5)), p99: rounded(quantile(between, 0.99)) },
    answerMs: {
      p50: rounded(
        quantile(
          timings.map((timing) => timing.total),
          0.5,
        ),
      ),
    },
    tokensPerAnswer: timings[0]?.tokens ?? 0,
  }
}

const system = await startSystem()
const engine = await startEmbeddedEngine({
  modelPath: DEMO_WEIGHTS.path,
  modelId: DEMO_WEIGHTS.id,
  slots: 1,
  randomSeed: () => 1,
})
try {
  const signIn = keySignIn(await createSigner())
  const client = createClient({ origin: system.origin, network: 'localnet', signIn })
  const direct: Timing[] = []
  const sealed: Timing[] = []
  async function* throughEngine(): AsyncGenerator<{ token: boolean; tokens?: number }> {
    const request = { model: DEMO_WEIGHTS.id, messages, temperature: 0 }
    for await (const event of engine.chat(request, { signal: new AbortController().signal })) {
      yield event.type === 'delta' ? { token: true } : { token: false, tokens: event.usage.completion }
    }
  }
  await timed(throughEngine())
  await timed(throughSystem(client))
  for (let round = 0; round < ROUNDS; round++) {
    direct.push(await timed(throughEngine()))
    sealed.push(await timed(throughSystem(client)))
  }
  const began = performance.now()
  const outcomes = await Promise.allSettled(Array.from({ length: STREAMS }, () => timed(throughSystem(client))))
  const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [String(outcome.reason)] : []))
  const [engineOnly, system1] = [summary(direct), summary(sealed)]
  console.log(
    JSON.stringify(
      {
        machine: { node: process.version, platform: process.platform, cores: navigator.hardwareConcurrency },
        rounds: ROUNDS,
        engine: engineOnly,
        system: system1,
        addedToFirstTokenMs: {
          p50: rounded(system1.firstTokenMs.p50 - engineOnly.firstTokenMs.p50),
          p99: rounded(system1.firstTokenMs.p99 - engineOnly.firstTokenMs.p99),
        },
        atOnce: {
          asked: STREAMS,
          answered: STREAMS - failures.length,
          failures: [...new Set(failures)],
          ms: rounded(performance.now() - began),
        },
        sealing: await measureSealing(),
      },
      null,
      2,
    ),
  )
} finally {
  await engine.close()
  await system.stop()
}
process.exit(0)
