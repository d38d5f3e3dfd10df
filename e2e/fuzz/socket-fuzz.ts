import {
  type Bytes,
  encodeMessage,
  equal,
  ErrorResponse,
  type Message,
  type MessageOf,
  statementFromText,
} from '@cocoon/protocol'
import { evidenceDigest } from '@cocoon/protocol/appraisal'
import * as v from 'valibot'
import type { SeededRandom } from '../chaos/seeded-random.ts'
import { createIdentity, type FuzzIdentity, helloOf } from './fuzz-identity.ts'
import {
  clientKinds,
  JobPool,
  type Known,
  makeBroken,
  makeEvidence,
  makeMessage,
  nodeKinds,
  sealedJob,
} from './message-inputs.ts'
import { mutateBytes } from './mutation.ts'
import { brokenFrame } from './raw-frames.ts'
import { SocketSession } from './socket-session.ts'
import type { SimulatedWorld } from './simulated-world.ts'
import { matchFor, type User } from './users.ts'
import type { Verdicts } from './verdicts.ts'

/** Messages of one session before what may close it. */
const MESSAGES = 24
/** How a broker may close a socket: by itself, for a rule of ours, or for one of WebSockets. Never 1011, a fault. */
const CLOSES = new Set([1000, 1001, 1002, 1003, 1005, 1006, 1007, 1009, 4400, 4403, 4408, 4409, 4429])

/** Plays clients and nodes that keep no rule, on real sockets. */
export class SocketFuzz {
  readonly #origin: string
  readonly #users: readonly User[]
  readonly #honestNode: string
  readonly #world: SimulatedWorld
  readonly #verdicts: Verdicts
  readonly #jobs = new JobPool()
  readonly #identities: FuzzIdentity[] = []

  constructor(origin: string, users: readonly User[], honestNode: string, world: SimulatedWorld, verdicts: Verdicts) {
    this.#world = world
    this.#origin = origin
    this.#users = users
    this.#honestNode = honestNode
    this.#verdicts = verdicts
  }

  /** Plays one session; a few dozen inputs. */
  async one(random: SeededRandom, label: string): Promise<void> {
    switch (random.weighed({ client: 55, stranger: 12, attested: 5, node: 28 })) {
      case 'client':
        return this.#client(random, label)
      case 'stranger':
        return this.#stranger(random, label)
      case 'attested':
        return this.#attested(random, label)
      case 'node':
        return this.#node(random, label)
    }
  }

  async #client(random: SeededRandom, label: string): Promise<void> {
    const user = random.pick(this.#users)
    const match = random.chance(0.35) ? await matchFor(this.#origin, user) : undefined
    const known = random.pick([this.#honestNode, ...this.#identities.map(({ nodeId }) => nodeId)])
    const node = match?.node ?? (random.chance(0.85) ? known : 'ab'.repeat(32))
    const session = await this.#open('client socket', `/api/nodes/${node}/jobs`, [user.token], label)
    if (!session) return
    const identity = await this.#identity(random)
    if (match) {
      const job = await sealedJob(statementFromText(match.statement), random.word(12))
      this.#jobs.add(job.jobId)
      session.send(encodeMessage({ kind: 'open', lease: match.lease, ...this.#spoiled(random, job) }))
      this.#verdicts.count('client socket', 'a question with a lease')
    }
    const fresh = random.bytes(32)
    const ask: Message = { kind: 'resume', jobId: fresh, from: 0 }
    const answered = (): boolean => session.received.some((told) => told.kind === 'stopped' && equal(told.jobId, fresh))
    const play = { random, label, place: 'client socket', kinds: clientKinds, ask, answered }
    await this.#play(session, { ...play, known: { jobs: this.#jobs, statement: identity.statement } })
  }

  /** A node that has not joined, and mostly never will. */
  async #stranger(random: SeededRandom, label: string): Promise<void> {
    const identity = await this.#identity(random)
    const session = await this.#open('stranger socket', `/api/nodes/${identity.nodeId}/link`, [], label)
    if (!session) return
    const known = { jobs: this.#jobs, statement: identity.statement }
    const kinds = ['hello', 'hello', 'challenge', 'joined', ...nodeKinds, ...clientKinds] as const
    const message = makeMessage(random, random.pick(kinds), known)
    const input = random.chance(0.5) ? encodeMessage(message) : makeBroken(random, message)
    session.send(input)
    this.#verdicts.count('stranger socket', 'first word')
    if (!(await session.until(() => false))) {
      this.#verdicts.breach('a first word that is no hello left the socket open', `${label}: ${message.kind}`)
    }
    await this.#finish(session, random, 'stranger socket', label)
  }

  /** A node whose key and statement are right, and whose evidence is whatever it likes: made up, it never joins. */
  async #attested(random: SeededRandom, label: string): Promise<void> {
    const madeUp = random.chance(0.4)
    let [evidence, collateral]: [Bytes, Bytes | null] = [makeEvidence(random), random.bytes(random.below(500))]
    const identity = await createIdentity(async (key) => {
      if (madeUp) return evidenceDigest(evidence)
      // Right to the last byte, but for some of them. Not every byte counts: the appraisal's own fuzz knows which do.
      const shown = await this.#world.show(key)
      evidence = mutateBytes(random, shown.evidence)
      collateral = random.chance(0.7) ? mutateBytes(random, shown.collateral) : null
      return evidenceDigest(evidence)
    })
    const session = await this.#open('attested socket', `/api/nodes/${identity.nodeId}/link`, [], label)
    if (!session) return
    await session.until(() => session.received.length > 0)
    const [challenge] = session.received
    if (challenge?.kind === 'challenge') {
      const hello = await helloOf(identity, challenge.nonce, new URL(this.#origin).host, [])
      const shown = random.chance(0.2) ? random.bytes(40) : evidence
      const attested = random.chance(0.1) ? {} : { attested: { evidence: shown, collateral } }
      session.send(encodeMessage({ ...hello, ...attested }))
    }
    this.#verdicts.count('attested socket', 'hello')
    const joined = (): boolean => session.received.some(({ kind }) => kind === 'joined')
    await session.until(joined)
    if (madeUp && joined()) {
      this.#verdicts.breach('a node joined with made-up evidence', label)
    }
    await this.#finish(session, random, 'attested socket', label)
  }

  async #node(random: SeededRandom, label: string): Promise<void> {
    const identity = await this.#identity(random)
    const session = await this.#open('node socket', `/api/nodes/${identity.nodeId}/link`, [], label)
    if (!session) return
    await session.until(() => session.received.length > 0)
    const [challenge] = session.received
    if (challenge?.kind === 'challenge') {
      const { host } = new URL(this.#origin)
      const jobs = Array.from({ length: random.below(4) }, () => this.#jobs.any(random))
      session.send(encodeMessage(await helloOf(identity, challenge.nonce, host, jobs)))
    }
    const joined = (): number => session.received.filter(({ kind }) => kind === 'joined').length
    if (!(await session.until(() => joined() > 0))) this.#verdicts.breach('a right hello was not taken', label)
    for (const told of session.received) if (told.kind === 'job') this.#jobs.add(told.jobId)
    const ask: Message = { kind: 'statement', statement: identity.statement }
    const play = { random, label, place: 'node socket', kinds: nodeKinds, ask, answered: () => joined() > 1 }
    await this.#play(session, { ...play, known: { jobs: this.#jobs, statement: identity.statement } })
  }

  /** Many messages that are right in form, a question that must be answered, and something that is not right at all. */
  async #play(
    session: SocketSession,
    play: {
      readonly random: SeededRandom
      readonly label: string
      readonly place: string
      readonly kinds: readonly (typeof clientKinds | typeof nodeKinds)[number][]
      readonly ask: Message
      readonly answered: () => boolean
      readonly known: Known
    },
  ): Promise<void> {
    const { random, label, place, kinds, known } = play
    const messages = Array.from({ length: random.below(MESSAGES) }, () =>
      makeMessage(random, random.pick(kinds), known),
    )
    for (const message of messages) {
      const bytes = encodeMessage(message)
      if (random.chance(0.1)) session.sendFragments(bytes, 2 + random.below(4))
      else session.send(bytes)
    }
    this.#verdicts.count(place, 'messages right in form', messages.length)
    session.send(encodeMessage(play.ask))
    if (!(await session.until(play.answered))) {
      this.#verdicts.breach(
        `${place}: no answer and not closed`,
        `${label}: ${messages.map(({ kind }) => kind).join()}`,
      )
    }
    if (random.chance(0.6)) {
      const wrongKind = random.pick([
        'job',
        'stopped',
        'challenge',
        'hello',
        'joined',
        'forget',
        ...nodeKinds,
        ...clientKinds,
      ] as const)
      const message = makeMessage(random, random.chance(0.5) ? wrongKind : random.pick(kinds), known)
      const raw = random.chance(0.15) ? brokenFrame(random) : undefined
      this.#verdicts.count(place, raw ? 'no WebSocket frame' : 'something broken')
      if (raw) {
        session.sendRaw(raw)
        // workerd tells its object that the socket is gone, and may leave the connection to whoever broke the rule.
        return void (await session.end('drop'))
      }
      session.send(makeBroken(random, message))
    }
    await this.#finish(session, random, place, label)
  }

  async #finish(session: SocketSession, random: SeededRandom, place: string, label: string): Promise<void> {
    if (!(await session.end(random.chance(0.7) ? 'close' : 'drop'))) {
      this.#verdicts.breach(`${place}: did not close`, label)
    }
    const { code = 0, reason = '' } = session.closed ?? {}
    this.#verdicts.count(place, `closed ${code}`, 0)
    if (session.garbled)
      this.#verdicts.breach(`${place}: the broker said what nobody can read: ${session.garbled}`, label)
    if (session.closed && !CLOSES.has(code)) this.#verdicts.breach(`${place}: closed with ${code} ${reason}`, label)
  }

  async #open(place: string, path: string, protocols: readonly string[], label: string) {
    const outcome = await SocketSession.open(this.#origin.replace('http', 'ws') + path, protocols)
    if (outcome instanceof SocketSession) return outcome
    const typed = v.safeParse(v.pipe(v.string(), v.parseJson(), ErrorResponse), outcome.body)
    const code = typed.success ? typed.output.error.code : outcome.body.slice(0, 80)
    this.#verdicts.count(place, `refused ${outcome.status} ${code}`)
    if (!typed.success)
      this.#verdicts.breach(`${place}: refused without a typed error: ${outcome.status} ${code}`, label)
    return undefined
  }

  /** Half of the time one that others use too. */
  async #identity(random: SeededRandom): Promise<FuzzIdentity> {
    if (this.#identities.length > 8 || (this.#identities.length > 0 && random.chance(0.5))) {
      return random.pick(this.#identities)
    }
    const identity = await createIdentity()
    this.#identities.push(identity)
    return identity
  }

  #spoiled(random: SeededRandom, job: Omit<MessageOf<'job'>, 'kind'>): Omit<MessageOf<'job'>, 'kind'> {
    switch (random.below(6)) {
      case 0:
        return { ...job, statement: random.bytes(32) }
      case 1:
        return { ...job, wrap: { ...job.wrap, ciphertext: random.bytes(48) } }
      case 2:
        return { ...job, bodyLength: job.bodyLength + 1 + random.below(1000) }
      case 3:
        return { ...job, header: random.bytes(random.below(200)) }
      default:
        return job
    }
  }
}
