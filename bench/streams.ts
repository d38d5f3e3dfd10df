import { type Client } from '@cocoon/client'
import { DEMO_MODEL, type System } from '@cocoon/localnet'
import { pacedAnswer, pacedEngine } from './paced-engine.ts'
import { newClient, startNode, untilListed } from './peers.ts'
import { descendant, processorMs, residentMiB } from './process-cost.ts'
import { quantile, rounded } from './statistics.ts'

const STREAMS = 200
const USERS = 20
const NODES = 4
const WORDS = 200
const PACE_MS = 40

interface Stream {
  readonly between: readonly number[]
  readonly frames: number
}

async function read(client: Client, expected: string): Promise<Stream> {
  const between: number[] = []
  let [text, last, frames] = ['', 0, 0]
  const messages = [{ role: 'user' as const, content: 'count' }]
  for await (const event of client.ask({ model: DEMO_MODEL.id, messages })) {
    if (event.type === 'done') frames = event.frames
    if (event.type !== 'delta') continue
    const now = performance.now()
    if (last > 0) between.push(now - last)
    last = now
    text += event.text
  }
  if (text !== expected) throw new Error('an answer is not what its engine said')
  return { between, frames }
}

/** Many answers at once through one broker process, each checked word for word. */
export async function measureStreams(system: System) {
  const nodes = await Promise.all(
    Array.from({ length: NODES }, () =>
      startNode(system.origin, pacedEngine(DEMO_MODEL.id, STREAMS / NODES, WORDS, PACE_MS)),
    ),
  )
  await untilListed(system.origin, NODES)
  const clients = await Promise.all(Array.from({ length: USERS }, () => newClient(system.origin)))
  const workerd = descendant('workerd')
  const [began, processorBefore] = [performance.now(), processorMs(workerd)]
  const streams = await Promise.allSettled(
    Array.from({ length: STREAMS }, (_, n) => read(clients[n % USERS] as Client, pacedAnswer(WORDS))),
  )
  const seconds = (performance.now() - began) / 1000
  const processor = processorMs(workerd) - processorBefore
  const memory = residentMiB(workerd)
  await Promise.all(nodes.map((node) => node.stop()))
  const done = streams.flatMap((stream) => (stream.status === 'fulfilled' ? [stream.value] : []))
  const failures = streams.flatMap((stream) => (stream.status === 'rejected' ? [String(stream.reason)] : []))
  const between = done.flatMap((stream) => stream.between)
  const frames = done.reduce((sum, stream) => sum + stream.frames, 0)
  return {
    asked: STREAMS,
    answeredWordForWord: done.length,
    failures: [...new Set(failures)],
    seconds: rounded(seconds),
    framesPerSecond: Math.round(frames / seconds),
    betweenArrivalsMs: { p50: rounded(quantile(between, 0.5)), p99: rounded(quantile(between, 0.99)) },
    brokerProcessorShare: rounded(processor / 1000 / seconds),
    brokerMiB: memory,
  }
}
