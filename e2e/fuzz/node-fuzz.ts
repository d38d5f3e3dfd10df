import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { encodeCbor, encodeMessage, hex, jobIdOf, type MessageOf, networks, statementDigest } from '@cocoon/protocol'
import { DEMO_MODEL } from '@cocoon/localnet'
import type { SeededRandom } from '../chaos/seeded-random.ts'
import { LyingRelay, type LyingLink } from './lying-relay.ts'
import { JobPool, makeBroken, makeMessage, relayKinds, sealedJob } from './message-inputs.ts'
import { type Verdicts, within } from './verdicts.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** How long a node may take to start, to dial again, to answer a job and to close. Milliseconds. */
const BOUND = 45_000
/** Messages between two honest jobs. */
const BATCH = 100

/** One real node's process, which must live and log no fault, whatever its relay says. */
class NodeProcess {
  readonly #child: ChildProcess
  readonly #verdicts: Verdicts
  readonly #last: string[] = []
  /** Its end is no crash: it was told to, or it has done its work. */
  #expected = false

  constructor(file: string, args: readonly string[], verdicts: Verdicts) {
    this.#verdicts = verdicts
    this.#child = spawn(process.execPath, [root + file, ...args], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream) createInterface(stream).on('line', (line) => this.#read(line))
    }
    this.#child.on('exit', (code, signal) => {
      if (code === 0 || this.#expected) return
      verdicts.breach(`a node's process ended with ${signal ?? code}`, this.#last.join(' / '))
    })
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  async stop(): Promise<void> {
    this.#expected = true
    if (!this.alive) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }

  #read(line: string): void {
    this.#last.push(line)
    if (this.#last.length > 10) this.#last.shift()
    const { event = '' } = line.startsWith('{') ? (JSON.parse(line) as { event?: string }) : { event: line }
    // A link that breaks for what the relay said is the right answer; every other fault is ours.
    if (/fault|error/i.test(event) && event !== 'link.fault') this.#verdicts.breach(`a node logged: ${line}`, event)
  }
}

/** Lies to real nodes: junk in proper form to one as it runs in production, broken messages to many that dial again at once. */
export class NodeFuzz {
  readonly #verdicts: Verdicts
  readonly #jobs = new JobPool()

  constructor(verdicts: Verdicts) {
    this.#verdicts = verdicts
  }

  /** Messages in proper form to the daemon, an honest job now and then, and a broken message at the end. */
  async daemon(random: SeededRandom, inputs: number): Promise<void> {
    const relay = await LyingRelay.start()
    const args = ['--broker', relay.origin, '--network', 'localnet', '--log', 'json', '--benchmark', 'off']
    const node = new NodeProcess('worker-node/src/main.ts', args, this.#verdicts)
    const stop = this.#verdicts.inputs + inputs
    const link = await within(BOUND, relay.next())
    if (link === 'late') this.#verdicts.breach('the daemon did not join', 'daemon')
    else {
      for (let batch = 0; this.#verdicts.inputs < stop && link.closed === undefined; batch++) {
        await this.#batch(random.fork(`batch ${batch}`), link, `daemon batch ${batch}`, 'daemon')
      }
      await this.#break(random, link, 'daemon', 'daemon')
      const again = await within(BOUND, relay.next())
      if (again === 'late') this.#verdicts.breach('the daemon did not join again', 'daemon')
      else await this.#honest(again, 'after all', 'daemon')
    }
    await node.stop()
    await relay.stop()
  }

  /** A few links, each ended by something broken. */
  async hasty(random: SeededRandom, label: string): Promise<void> {
    const relay = await LyingRelay.start()
    const node = new NodeProcess('e2e/fuzz/hasty-node.ts', [relay.origin], this.#verdicts)
    for (let links = 0; ; links++) {
      const link = await within(BOUND, this.#nextWhileAlive(relay, node))
      if (link === 'late') this.#verdicts.breach('a node did not join again', `${label} link ${links}`)
      if (link === 'late' || !link) break
      const own = random.fork(`link ${links}`)
      await this.#batch(own, link, `${label} link ${links}`, 'hasty node')
      await this.#break(own, link, `${label} link ${links}`, 'hasty node')
    }
    await node.stop()
    await relay.stop()
  }

  async #nextWhileAlive(relay: LyingRelay, node: NodeProcess): Promise<LyingLink | undefined> {
    const next = relay.next()
    for (;;) {
      const link = await within(200, next)
      if (link !== 'late') return link
      if (!node.alive) return undefined
    }
  }

  async #batch(random: SeededRandom, link: LyingLink, label: string, place: string): Promise<void> {
    const count = random.below(BATCH)
    for (let i = 0; i < count && link.closed === undefined; i++) {
      const kind = random.pick(relayKinds)
      if (kind === 'job' && random.chance(0.7)) link.send(encodeMessage(await this.#nearlyRight(random, link)))
      else link.send(encodeMessage(makeMessage(random, kind, { jobs: this.#jobs, statement: link.statement })))
    }
    this.#verdicts.count(place, 'messages right in form', count)
    if (link.closed !== undefined) return
    await this.#honest(link, label, place)
  }

  /** A job that passes many checks of a node's order, or all. */
  async #nearlyRight(random: SeededRandom, link: LyingLink): Promise<MessageOf<'job'>> {
    if (random.chance(0.3)) {
      const job = await sealedJob(link.newest, random.word(8))
      this.#jobs.add(job.jobId)
      return { kind: 'job', ...job }
    }
    const commit = random.bytes(32)
    const policy = random.pick(['open', 'open', 'private'])
    const model = random.pick([DEMO_MODEL.id, DEMO_MODEL.id, 'another-model'])
    const header = encodeCbor({ version: 1, network: networks.localnet, model, policy, commit })
    const body = random.bytes(272)
    const statement = random.chance(0.8) ? await statementDigest(link.newest.body) : random.bytes(32)
    const jobId = random.chance(0.8) ? await jobIdOf(header, body) : random.bytes(32)
    const wrap = { enc: random.bytes(1120), ciphertext: random.bytes(48) }
    this.#jobs.add(jobId)
    return { kind: 'job', jobId, header, bodyLength: body.length, body, statement, wrap, money: ['none'] }
  }

  /** A real question gets an end: a final frame, or a refusal while it is full. */
  async #honest(link: LyingLink, label: string, place: string): Promise<void> {
    const job = await sealedJob(link.newest, 'What is Cocoon?')
    link.send(encodeMessage({ kind: 'job', ...job }))
    const id = hex(job.jobId)
    const answered = async (): Promise<void> => {
      while (!link.ended.has(id) && link.closed === undefined) await link.changed
    }
    if ((await within(BOUND, answered())) === 'late') this.#verdicts.breach('an honest job had no end', label)
    this.#verdicts.count(place, link.closed === undefined ? 'an honest job ended' : `closed ${link.closed} in a batch`)
  }

  /** Something broken closes the link. */
  async #break(random: SeededRandom, link: LyingLink, label: string, place: string): Promise<void> {
    const kinds = ['challenge', 'joined', 'hello', 'open', ...relayKinds] as const
    const known = { jobs: this.#jobs, statement: link.statement }
    const broken = makeBroken(random, makeMessage(random, random.pick(kinds), known))
    link.send(broken)
    // Some damage leaves a message whole, and text is a keep-alive: then nonsense follows.
    link.send(Uint8Array.of(0xff))
    const closed = async (): Promise<void> => {
      while (link.closed === undefined) await link.changed
    }
    if ((await within(BOUND, closed())) === 'late') {
      this.#verdicts.breach('a broken message left the link open', label)
      link.drop()
    }
    this.#verdicts.count(place, `closed ${link.closed ?? 'never'}`, 2)
  }
}
