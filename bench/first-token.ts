import type { Client } from '@cocoon/client'
import { DEMO_MODEL, type System } from '@cocoon/localnet'
import { DEMO_MODEL as DEMO_WEIGHTS, startEmbeddedEngine } from '@cocoon/worker-node'
import { newClient } from './peers.ts'
import { quantile, rounded } from './statistics.ts'

const ROUNDS = 50
const messages = [{ role: 'user' as const, content: 'Tell me a long story about a silkworm' }]

interface Timing {
  /** Milliseconds until the device had sealed and sent it; not a number where nothing is sealed. */
  readonly sealed: number
  /** Milliseconds to the first token, then between the arrivals of text. */
  readonly first: number
  readonly between: readonly number[]
  readonly tokens: number
  readonly total: number
}
type Arrival = 'sealed' | 'token' | { readonly tokens: number }

async function timed(arrivals: AsyncIterable<Arrival>): Promise<Timing> {
  const began = performance.now()
  const between: number[] = []
  let [sealed, first, last, tokens] = [Number.NaN, Number.NaN, began, 0]
  for await (const arrival of arrivals) {
    const now = performance.now()
    if (typeof arrival === 'object') {
      tokens = arrival.tokens
      continue
    }
    if (arrival === 'sealed') {
      sealed = now - began
      continue
    }
    if (Number.isNaN(first)) first = now - began
    else between.push(now - last)
    last = now
  }
  return { sealed, first, between, tokens, total: performance.now() - began }
}

async function* throughSystem(client: Client): AsyncGenerator<Arrival> {
  for await (const event of client.ask({ model: DEMO_MODEL.id, messages, temperature: 0 })) {
    if (event.type === 'sealed') yield 'sealed'
    else if (event.type === 'delta') yield 'token'
    else if (event.type === 'done') yield { tokens: event.usage.completion }
  }
}

/** Medians of what a question waits for, in order. The node's part is what is left: its opening, its engine, the way back. */
function stages(timings: readonly Timing[]) {
  const median = (values: number[]) => rounded(quantile(values, 0.5))
  return {
    foundAndSealedMs: median(timings.map(({ sealed }) => sealed)),
    relayNodeAndEngineMs: median(timings.map(({ sealed, first }) => first - sealed)),
  }
}

function summary(timings: readonly Timing[]) {
  const first = timings.map((timing) => timing.first)
  const between = timings.flatMap((timing) => timing.between)
  const total = timings.map((timing) => timing.total)
  return {
    firstTokenMs: { p50: rounded(quantile(first, 0.5)), p99: rounded(quantile(first, 0.99)) },
    betweenArrivalsMs: { p50: rounded(quantile(between, 0.5)), p99: rounded(quantile(between, 0.99)) },
    answerMs: { p50: rounded(quantile(total, 0.5)) },
    tokensPerAnswer: timings[0]?.tokens ?? 0,
  }
}

/**
 * The same question to the engine alone, to the system by someone who was typing (a node was found ahead of Send, as the
 * Mini App does), and to the system out of the blue; in turns, so that the machine's mood meets all three alike.
 */
export async function measureFirstToken(system: System) {
  const engine = await startEmbeddedEngine({
    modelPath: DEMO_WEIGHTS.path,
    modelId: DEMO_WEIGHTS.id,
    slots: 1,
    randomSeed: () => 1,
  })
  try {
    async function* throughEngine(): AsyncGenerator<Arrival> {
      const request = { model: DEMO_WEIGHTS.id, messages, temperature: 0 }
      for await (const event of engine.chat(request, { signal: new AbortController().signal })) {
        yield event.type === 'delta' ? 'token' : { tokens: event.usage.completion }
      }
    }
    const [typing, sudden] = await Promise.all([newClient(system.origin), newClient(system.origin)])
    const timings = { engine: [] as Timing[], prepared: [] as Timing[], unprepared: [] as Timing[] }
    // The first two rounds warm up and do not count.
    for (let round = -2; round < ROUNDS; round++) {
      const engineAlone = await timed(throughEngine())
      await typing.prepare(DEMO_MODEL.id)
      const prepared = await timed(throughSystem(typing))
      const unprepared = await timed(throughSystem(sudden))
      if (round < 0) continue
      timings.engine.push(engineAlone)
      timings.prepared.push(prepared)
      timings.unprepared.push(unprepared)
    }
    const [alone, prepared, unprepared] = [timings.engine, timings.prepared, timings.unprepared].map(summary)
    const added = (by: ReturnType<typeof summary> | undefined, which: 'p50' | 'p99'): number =>
      rounded((by?.firstTokenMs[which] ?? Number.NaN) - (alone?.firstTokenMs[which] ?? Number.NaN))
    return {
      rounds: ROUNDS,
      engine: alone,
      system: prepared,
      systemUnprepared: unprepared,
      stages: { prepared: stages(timings.prepared), unprepared: stages(timings.unprepared) },
      addedToFirstTokenMs: { p50: added(prepared, 'p50'), p99: added(prepared, 'p99') },
      addedUnpreparedMs: { p50: added(unprepared, 'p50'), p99: added(unprepared, 'p99') },
    }
  } finally {
    await engine.close()
  }
}
