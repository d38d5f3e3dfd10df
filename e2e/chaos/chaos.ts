import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient, keySignIn } from '@cocoon/client'
import { createSigner } from '@cocoon/protocol'
import { listed, readStorage, settle, type Stored, unfinished } from './aftermath.ts'
import { Asker } from './asker.ts'
import type { Surroundings } from './asking.ts'
import { Fleet } from './fleet.ts'
import { learnStory, learnWords, type Question } from './question.ts'
import { SeededRandom } from './seeded-random.ts'
import { Storm, type StormPlan } from './storm.ts'
import { type Breach, Tally } from './tally.ts'
import { Weather } from './weather.ts'

export interface ChaosOptions {
  readonly seed: number
  /** How long the storm lasts. */
  readonly seconds: number
  readonly nodes: number
  readonly slots: number
  readonly clients: number
  /** Questions of its own that each client knows the answer to. */
  readonly questions: number
  readonly plan: StormPlan
  /** Seconds between two questions of one client, on average. */
  readonly thinking: number
  readonly note?: (text: string) => void
}

export interface Summary {
  readonly seed: number
  readonly seconds: number
  readonly asked: number
  readonly answered: number
  readonly cancelled: number
  readonly abandoned: number
  readonly pickedUp: number
  readonly retries: number
  readonly moved: number
  readonly waitedInLine: number
  readonly resumed: number
  readonly errors: Readonly<Record<string, number>>
  readonly faults: Readonly<Record<string, number>>
  readonly brokerAwaySeconds: number
  readonly worstWaitMs: number
  /** Until every slot was free again. */
  readonly settledMs: number
  readonly after: Readonly<Record<string, number>>
  readonly breaches: readonly Breach[]
}

/** At most so many quiet questions at a time: nobody is to be turned away. */
const QUIET = 4
/** Share of questions with a long answer. One in so many. */
const STORIES = 6
/** How long the fleet may take until every slot is free again. Seconds. */
const SETTLING = 90

/** Asks many questions of a whole system while everything in it breaks, and says which promises held. */
export async function runChaos(options: ChaosOptions): Promise<Summary> {
  const { seed, seconds, note = () => undefined } = options
  const state = mkdtempSync(join(tmpdir(), 'cocoon-chaos-'))
  const random = new SeededRandom(seed)
  const [tally, weather] = [new Tally(), new Weather()]
  weather.slots = options.nodes * options.slots
  const fleet = await Fleet.start({
    state,
    nodeArgs: ['--slots', String(options.slots), '--seconds', '60'],
    line: (name, text) => readLine(name, text, tally, weather),
  })
  const askers: Asker[] = []
  try {
    await Promise.all(Array.from({ length: options.nodes }, () => fleet.startNode()))
    askers.push(...(await startAskers(options, fleet, { tally, weather }, random)))
    await learn(options, fleet, askers, random)
    note(`${askers.length} clients know their answers; the storm begins`)
    const storm = new Storm(fleet, askers, weather, options.plan, random.fork('storm'))
    const until = Date.now() + seconds * 1000
    storm.begin()
    const living = Promise.all(askers.map((asker) => asker.live(until)))
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
    await storm.end()
    note('the storm is over')
    await living
    const { settledMs, after } = await inspect(options, fleet, askers, tally, weather)
    const { acknowledged: _, errors, breaches, ...counts } = tally
    const [faults, brokerAwaySeconds] = [weather.counts(), weather.brokerAway()]
    return { seed, seconds, ...counts, errors, faults, brokerAwaySeconds, settledMs, after, breaches }
  } finally {
    await Promise.all(askers.map(({ proxy }) => proxy.close()))
    await fleet.stop()
    rmSync(state, { recursive: true, force: true })
  }
}

/** Logs say when a node was away, and that nothing unforeseen happened. */
function readLine(name: string, text: string, tally: Tally, weather: Weather): void {
  if (!text.startsWith('{')) {
    if (/error|exception/i.test(text)) tally.breach({ what: `${name} wrote: ${text}` })
    return
  }
  const { event = '', ...fields } = JSON.parse(text) as { event?: string }
  if (event === 'link.up' || event === 'link.down') weather.linked(name, event === 'link.up')
  if (event === 'object.evicted') weather.end(weather.begin('object evicted', name))
  if (/fault/.test(event)) tally.breach({ what: `${name} logged ${event} ${JSON.stringify(fields)}` })
}

async function startAskers(
  { clients, thinking }: ChaosOptions,
  fleet: Fleet,
  watched: Pick<Surroundings, 'tally' | 'weather'>,
  random: SeededRandom,
): Promise<Asker[]> {
  const around = { ...watched, thinking, nodeName: (id: string) => fleet.nameOf(id) }
  const names = Array.from({ length: clients }, (_, index) => `client-${index + 1}`)
  return Promise.all(
    names.map(async (name) => Asker.start(name, fleet.port, await createSigner(), random.fork(name), around)),
  )
}

/** Finds out, while nothing is wrong yet, what the right answers are. */
async function learn({ questions }: ChaosOptions, fleet: Fleet, askers: readonly Asker[], random: SeededRandom) {
  const quiet = createClient({ origin: fleet.origin, network: 'localnet', signIn: keySignIn(await createSigner()) })
  const story = await learnStory(quiet)
  const lists = askers.flatMap((asker) => Array.from({ length: questions }, () => asker.questions))
  await inTurns(lists, QUIET, async (list, index) => {
    const own: Question = await learnWords(quiet, random.fork(`words ${index}`))
    list.push(own, ...(index % STORIES === 0 ? [story] : []))
  })
}

/** What must hold once nothing is wrong any more. */
async function inspect(
  { nodes, slots }: ChaosOptions,
  fleet: Fleet,
  askers: readonly Asker[],
  tally: Tally,
  weather: Weather,
) {
  const began = Date.now()
  const expected = JSON.stringify({ nodes, free: nodes * slots })
  const list = async () => JSON.stringify(await listed(fleet))
  const atFirst = await settle(list, (now) => now === expected, SETTLING)
  if (atFirst !== expected) tally.breach({ what: `slots are not free again: ${atFirst}, not ${expected}` })
  const settledMs = Date.now() - began
  const before = { errors: JSON.stringify(tally.errors), breaches: tally.breaches.length }
  await inTurns(askers, QUIET, async (asker) => {
    const [question] = asker.questions
    if (question) await asker.ask(question, 'waits')
  })
  if (JSON.stringify(tally.errors) !== before.errors) tally.breach({ what: 'errors in good weather' })
  const later = await settle(list, (now) => now === expected, SETTLING)
  if (later !== expected) tally.breach({ what: `slots are not free after quiet questions: ${later}` })
  for (const asker of askers) asker.close()
  const clientSockets = (): number => askers.reduce((sum, { proxy }) => sum + proxy.webSockets, 0)
  const sockets = await settle(clientSockets, (count) => count === 0, 30)
  if (sockets > 0) tally.breach({ what: `${sockets} sockets of clients are still open` })
  const nodeSockets = fleet.nodes.map(({ proxy }) => proxy.webSockets)
  if (nodeSockets.some((count) => count !== 1)) tally.breach({ what: `sockets of each node: ${nodeSockets.join()}` })
  const settled = (now: Stored): boolean => now.leases + now.chunks + unfinished(now).length === 0
  const stored = await settle(() => readStorage(fleet.storage), settled, SETTLING)
  if (stored.leases > 0) tally.breach({ what: `${stored.leases} leases are left` })
  if (stored.chunks > 0) tally.breach({ what: `${stored.chunks} pieces of bodies are left` })
  // A word that was on its way when the line broke is not heard.
  const heard = tally.acknowledged.filter(({ client, at }) => !weather.disturbed(client, at))
  const forgotten = new Set(heard.map(({ jobId, nodeId }) => `${jobId} ${nodeId}`))
  const kept = stored.jobs.filter(({ job, node }) => forgotten.has(`${job} ${node}`))
  if (kept.length > 0) tally.breach({ what: `${kept.length} acknowledged jobs are still stored: ${kept[0]?.state}` })
  for (const { job, node, state, created } of unfinished(stored)) {
    const [where, age] = [fleet.whereabouts(node), Math.round((Date.now() - created) / 1000)]
    tally.breach({ what: `a job never ended: ${state} at ${where}, ${age} s old, ${job}` })
  }
  return { settledMs, after: { jobsWaitingForTheirReader: stored.jobs.length, leases: stored.leases, sockets } }
}

/** Does it for each, so many at a time. */
async function inTurns<T>(items: readonly T[], most: number, act: (item: T, index: number) => Promise<void>) {
  const waiting = items.entries()
  const worker = async (): Promise<void> => {
    for (const [index, item] of waiting) await act(item, index)
  }
  await Promise.all(Array.from({ length: most }, worker))
}
