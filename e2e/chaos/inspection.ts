import { listed, readStorage, settle, type Stored, unfinished } from './aftermath.ts'
import type { Asker } from './asker.ts'
import type { Fleet } from './fleet.ts'
import { inTurns } from './in-turns.ts'
import type { Tally } from './tally.ts'
import type { Weather } from './weather.ts'

/** At most so many quiet questions at a time: nobody is to be turned away. */
export const QUIET_QUESTIONS = 4
/** How long the system may take until nothing of the storm is left in it. Seconds. */
const SETTLING = 90
const SOCKETS_CLOSE = 30

/** What must hold once nothing is wrong any more. What does not is a breach. */
export async function inspect(
  slots: number,
  fleet: Fleet,
  askers: readonly Asker[],
  tally: Tally,
  weather: Weather,
): Promise<{ settledMs: number; after: Record<string, number> }> {
  const began = Date.now()
  await untilFree(slots, fleet, tally, 'after the storm')
  const settledMs = Date.now() - began
  await askEverybody(askers, tally)
  await untilFree(slots, fleet, tally, 'after quiet questions')
  const sockets = await countSockets(fleet, askers, tally)
  const jobsWaitingForTheirReader = await lookIntoStorage(fleet, tally, weather)
  return { settledMs, after: { sockets, jobsWaitingForTheirReader } }
}

/** Every slot of every node is free: no job runs, and no lease is out. */
async function untilFree(slots: number, fleet: Fleet, tally: Tally, when: string): Promise<void> {
  const expected = JSON.stringify({ nodes: fleet.nodes.length, free: slots })
  const found = await settle(
    async () => JSON.stringify(await listed(fleet)),
    (now) => now === expected,
    SETTLING,
  )
  if (found !== expected) tally.breach({ what: `${when} the broker lists ${found}, not ${expected}` })
}

async function askEverybody(askers: readonly Asker[], tally: Tally): Promise<void> {
  const before = JSON.stringify(tally.errors)
  await inTurns(askers, QUIET_QUESTIONS, async (asker) => {
    const [question] = asker.questions
    if (question) await asker.ask(question, 'waits')
  })
  if (JSON.stringify(tally.errors) !== before) tally.breach({ what: 'errors in good weather' })
}

async function countSockets(fleet: Fleet, askers: readonly Asker[], tally: Tally): Promise<number> {
  for (const asker of askers) asker.close()
  const count = (): number => askers.reduce((sum, { proxy }) => sum + proxy.webSockets, 0)
  const sockets = await settle(count, (now) => now === 0, SOCKETS_CLOSE)
  if (sockets > 0) tally.breach({ what: `${sockets} sockets of clients are still open` })
  const ofNodes = fleet.nodes.map(({ proxy }) => proxy.webSockets)
  if (ofNodes.some((now) => now !== 1)) tally.breach({ what: `sockets of each node: ${ofNodes.join()}` })
  return sockets
}

async function lookIntoStorage(fleet: Fleet, tally: Tally, weather: Weather): Promise<number> {
  const settled = (now: Stored): boolean => now.chunks + unfinished(now).length === 0
  const stored = await settle(() => readStorage(fleet.storage), settled, SETTLING)
  if (stored.chunks > 0) tally.breach({ what: `${stored.chunks} pieces of bodies are left` })
  for (const { job, node, state, created } of unfinished(stored)) {
    const [where, age] = [fleet.whereabouts(node), Math.round((Date.now() - created) / 1000)]
    tally.breach({ what: `a job never ended: ${state} at ${where}, ${age} s old, ${job}` })
  }
  const kept = new Map(stored.jobs.map(({ job, node, state }) => [`${job} ${node}`, state]))
  for (const { jobId, nodeId, client, at } of tally.acknowledged) {
    const state = kept.get(`${jobId} ${nodeId}`)
    // A word that was on its way when the line broke is not heard.
    if (state === undefined || weather.disturbed(client, at)) continue
    const near = weather.near(at).join(', ')
    tally.breach({
      what: `an acknowledged job is still stored: ${state} at ${fleet.whereabouts(nodeId)}; ${near}`,
      client,
    })
  }
  return stored.jobs.length
}
