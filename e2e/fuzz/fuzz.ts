import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient, keySignIn } from '@cocoon/client'
import { CocoonError, createSigner } from '@cocoon/protocol'
import { simulateWorld, type SimulatedWorld } from './simulated-world.ts'
import { Fleet } from '../chaos/fleet.ts'
import { askQuietly } from '../chaos/question.ts'
import { SeededRandom } from '../chaos/seeded-random.ts'
import { HttpFuzz } from './http-fuzz.ts'
import { NodeFuzz } from './node-fuzz.ts'
import { SocketFuzz } from './socket-fuzz.ts'
import { matchFor, signInUsers, type User } from './users.ts'
import { joinVerdicts, Verdicts } from './verdicts.ts'

export interface FuzzOptions {
  readonly seed: number
  /** Requests, messages and first words, all together; a few more are made. */
  readonly inputs: number
  /** People who are signed in. */
  readonly users: number
  /** What is under way at the same time at each kind of door. */
  readonly atOnce: number
  readonly note?: (text: string) => void
}

export interface FuzzSummary {
  readonly seed: number
  readonly inputs: number
  readonly seconds: number
  /** How often each end came. */
  readonly ends: Readonly<Record<string, number>>
  readonly breaches: readonly string[]
}

/** Of all inputs; the rest goes to the sockets of the broker. */
const HTTP_SHARE = 0.45
const NODE_SHARE = 0.15
/** Of the inputs for nodes. */
const DAEMON_SHARE = 0.6
const HASTY_NODES = 2
const DRIPS = 5
const DRIP_SECONDS = 5
/** A lease that nobody uses is over by then. Milliseconds. */
const HONEST_PATIENCE = 60_000

/** Says everything wrong there is to say to a running broker and to running nodes, and looks at what they do. */
export async function runFuzz(options: FuzzOptions): Promise<FuzzSummary> {
  const { seed, note = () => undefined } = options
  const random = new SeededRandom(seed)
  const system = new Verdicts()
  const state = mkdtempSync(join(tmpdir(), 'cocoon-fuzz-'))
  const line = (name: string, text: string): void => {
    // workerd says so where a client breaks RFC 6455; it closes the socket, and nothing of ours hears of it.
    if (text.includes('WebSocket protocol error')) return
    if (/"event":"[\w.-]*fault|uncaught|exception/i.test(text)) system.breach(`${name} logged a fault`, text)
  }
  const world = await simulateWorld()
  const fleet = await Fleet.start({ state, line, nodeArgs: ['--slots', '64'], settings: world.settings })
  const began = Date.now()
  const parts = [system]
  try {
    await fleet.startNode()
    const users = await signInUsers(fleet.origin, options.users)
    const honest = users[0] && (await matchFor(fleet.origin, users[0]))
    if (!honest) throw new Error('the node is not matched before anything went wrong')
    note(`${users.length} users are signed in`)
    const fuzzed = await Promise.all([
      fuzzHttp(options, fleet.origin, users, honest.node, random.fork('http')),
      fuzzSockets(options, fleet.origin, users, honest.node, world, random.fork('sockets')),
      fuzzDaemon(options, random.fork('daemon')),
      fuzzHastyNodes(options, random.fork('nodes')),
    ])
    parts.push(...fuzzed)
    note('everything was said')
    if (!fleet.brokerAlive) system.breach('the broker is gone', '')
    if (fleet.nodes.length !== 1) system.breach('the node is gone', '')
    await askHonestly(fleet.origin, system)
  } finally {
    await fleet.stop()
    world.close()
    rmSync(state, { recursive: true, force: true })
  }
  return { seed, seconds: Math.round((Date.now() - began) / 100) / 10, ...joinVerdicts(parts) }
}

async function fuzzHttp(
  { inputs, atOnce }: FuzzOptions,
  origin: string,
  users: readonly User[],
  node: string,
  random: SeededRandom,
): Promise<Verdicts> {
  const verdicts = new Verdicts()
  const fuzz = new HttpFuzz(origin, users, [node], verdicts)
  const drips = Array.from({ length: DRIPS }, (_, n) => fuzz.drip(random.fork(`drip ${n}`), DRIP_SECONDS))
  await untilMade(atOnce, inputs * HTTP_SHARE, verdicts, (n) => fuzz.one(random.fork(`request ${n}`)))
  await Promise.all(drips)
  fuzz.close()
  return verdicts
}

async function fuzzSockets(
  { inputs, atOnce }: FuzzOptions,
  origin: string,
  users: readonly User[],
  node: string,
  world: SimulatedWorld,
  random: SeededRandom,
): Promise<Verdicts> {
  const verdicts = new Verdicts()
  const fuzz = new SocketFuzz(origin, users, node, world, verdicts)
  const share = inputs * (1 - HTTP_SHARE - NODE_SHARE)
  await untilMade(atOnce, share, verdicts, (n) => fuzz.one(random.fork(`session ${n}`), `session ${n}`))
  return verdicts
}

async function fuzzDaemon({ inputs }: FuzzOptions, random: SeededRandom): Promise<Verdicts> {
  const verdicts = new Verdicts()
  await new NodeFuzz(verdicts).daemon(random, inputs * NODE_SHARE * DAEMON_SHARE)
  return verdicts
}

async function fuzzHastyNodes({ inputs }: FuzzOptions, random: SeededRandom): Promise<Verdicts> {
  const verdicts = new Verdicts()
  const fuzz = new NodeFuzz(verdicts)
  const share = inputs * NODE_SHARE * (1 - DAEMON_SHARE)
  await untilMade(HASTY_NODES, share, verdicts, (n) => fuzz.hasty(random.fork(`node ${n}`), `node ${n}`))
  return verdicts
}

/** Does one after another in each of so many rows, until as many inputs were made. */
async function untilMade(
  rows: number,
  inputs: number,
  verdicts: Verdicts,
  one: (n: number) => Promise<void>,
): Promise<void> {
  let next = 0
  const row = async (): Promise<void> => {
    while (verdicts.inputs < inputs) await one(next++)
  }
  await Promise.all(Array.from({ length: rows }, row))
}

/** Somebody who knows nothing of all this asks a question, and is answered. */
async function askHonestly(origin: string, verdicts: Verdicts): Promise<void> {
  const client = createClient({ origin, network: 'localnet', signIn: keySignIn(await createSigner()) })
  const until = Date.now() + HONEST_PATIENCE
  for (;;) {
    try {
      const { answer } = await askQuietly(client, 'Repeat this word: honestly')
      if (answer !== 'honestly') verdicts.breach(`an honest question was answered with ${answer}`, '')
      return verdicts.count('an honest question', 'was answered', 1)
    } catch (error) {
      const waits = error instanceof CocoonError && error.action === 'wait' && Date.now() < until
      if (!waits) return verdicts.breach(`an honest question was not answered: ${String(error)}`, '')
      await new Promise((resolve) => setTimeout(resolve, 1_000))
    }
  }
}
