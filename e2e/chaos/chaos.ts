import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient, keySignIn } from '@cocoon/client'
import { createSigner } from '@cocoon/protocol'
import { Asker } from './asker.ts'
import type { Surroundings } from './asking.ts'
import { Fleet } from './fleet.ts'
import { inTurns } from './in-turns.ts'
import { inspect, QUIET_QUESTIONS } from './inspection.ts'
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

/** Share of questions with a long answer. One in so many. */
const STORIES = 6

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
    const { settledMs, after } = await inspect(options.nodes * options.slots, fleet, askers, tally, weather)
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
  const { event = '', ...fields } = JSON.parse(text) as { event?: string; className?: string }
  if (event === 'link.up' || event === 'link.down') weather.linked(name, event === 'link.up')
  if (event === 'object.evicted') weather.end(weather.begin('object evicted', fields.className ?? ''))
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
  await inTurns(lists, QUIET_QUESTIONS, async (list, index) => {
    const own: Question = await learnWords(quiet, random.fork(`words ${index}`))
    list.push(own, ...(index % STORIES === 0 ? [story] : []))
  })
}
