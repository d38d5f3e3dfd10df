import { type AskEvent, type Client, createClient, type Keep, keySignIn, type KeptAnswer } from '@cocoon/client'
import { CocoonError, hex, type Signer } from '@cocoon/protocol'
import { Asking, type Surroundings } from './asking.ts'
import { FaultProxy } from './fault-proxy.ts'
import { MortalEnvironment } from './mortal-environment.ts'
import { type Question, requestOf } from './question.ts'
import type { SeededRandom } from './seeded-random.ts'

/** What a person does with one question, and how often of a hundred times. `returns`: is switched off, and comes back. */
const habits = { waits: 80, stops: 8, leaves: 4, returns: 8 } as const
export type Habit = keyof typeof habits
/** How many of those who wait keep records all the same. */
const KEEPERS = 0.5
/** Nobody waits longer for an end, whatever happens. Milliseconds. */
export const PATIENCE = 300_000
/** How often a person tries to go on with an answer before giving it up. */
const RETURNS = 6

/** What is kept on a device's disk of one answer. */
interface Disk {
  record: KeptAnswer | undefined
}

/** One person on one device, with a line of their own to the broker. */
export class Asker {
  readonly name: string
  readonly proxy: FaultProxy
  readonly questions: Question[] = []
  readonly #signer: Signer
  readonly #random: SeededRandom
  readonly #around: Surroundings
  #environment = new MortalEnvironment()
  #client: Client

  private constructor(name: string, proxy: FaultProxy, signer: Signer, random: SeededRandom, around: Surroundings) {
    this.name = name
    this.proxy = proxy
    this.#signer = signer
    this.#random = random
    this.#around = around
    this.#client = this.#begin()
  }

  static async start(name: string, port: number, signer: Signer, random: SeededRandom, around: Surroundings) {
    return new Asker(name, await FaultProxy.open(port), signer, random, around)
  }

  /** What the broker calls this person. */
  get account(): string {
    return `key:${hex(this.#signer.publicKey)}`
  }

  /** Asks and thinks by turns until then; ends with the last question. */
  async live(until: number): Promise<void> {
    const { thinking } = this.#around
    for (;;) {
      const pause = this.#random.between(0.2, 2 * thinking - 0.2)
      if (Date.now() + pause * 1000 >= until) return
      await seconds(pause)
      const error = await this.ask(this.#random.pick(this.questions), this.#random.weighed(habits))
      // Nobody asks again at once where nobody answers.
      if (error?.action === 'wait') await seconds(this.#random.between(1, 1 + thinking))
    }
  }

  /** Asks, and waits for the end of it. Resolves with the error, if it ended with one. */
  async ask(question: Question, habit: Habit): Promise<CocoonError | undefined> {
    const { tally, weather } = this.#around
    const asking = new Asking(this.name, question, this.#around)
    const span = weather.asking()
    const disk: Disk = { record: undefined }
    const keeps = this.#random.chance(KEEPERS) || habit === 'returns'
    const stop = new AbortController()
    // Also before anything was sent, and after the end.
    const moment = setTimeout(
      () => {
        if (habit === 'stops') stop.abort()
        if (habit === 'leaves' || habit === 'returns') asking.leave()
      },
      this.#random.between(0, 2_000),
    )
    tally.asked += 1
    const options = { ...requestOf(question.text), signal: stop.signal }
    const events = this.#client.ask(keeps ? { ...options, keep: this.#keepOn(disk) } : options)
    const outcome = await this.#hear(asking, events, asking.left)
    clearTimeout(moment)
    span.to = Date.now()
    const asked = { client: this.name, ...span, nodes: asking.nodes }
    if (outcome === 'hung') tally.breach({ what: `no end within ${PATIENCE / 1000} s`, ...asked })
    if (outcome === 'left' || outcome === 'hung') this.#switchOff()
    if (outcome === 'left' && habit === 'leaves') disk.record = undefined
    if (!outcome) return undefined
    const error = outcome instanceof CocoonError ? outcome : undefined
    if (error?.code === 'cancelled' && stop.signal.aborted) {
      tally.cancelled += 1
      return undefined
    }
    if (error) this.#judge(error, span.from, asking)
    // What was sent before the line broke may be answered by now.
    if (disk.record && (!error || error.code === 'unreachable')) await this.#goOn(asking, disk, span.from)
    else if (outcome === 'left') tally.abandoned += 1
    return error
  }

  /** Closes what waits for a next question. */
  close(): void {
    this.#client.close()
  }

  /** Goes on with an answer from its record, and tries again while the broker cannot be reached. */
  async #goOn(asking: Asking, disk: Disk, from: number): Promise<void> {
    const { tally } = this.#around
    tally.pickedUp += 1
    asking.comeBack()
    for (let tries = 1; tries <= RETURNS; tries++) {
      await seconds(this.#random.between(0.1, 3))
      const { record } = disk
      if (!record) return
      const outcome = await this.#hear(asking, this.#client.resume(record, { keep: this.#keepOn(disk) }))
      if (outcome === 'hung')
        tally.breach({ what: `no end within ${PATIENCE / 1000} s of going on`, client: this.name })
      if (!(outcome instanceof CocoonError)) return
      // The device may have been switched off before the question had left it, or a part of it.
      const unsent = record.text === '' && (outcome.code === 'unknown-job' || outcome.code === 'lease-expired')
      if (!unsent) this.#judge(outcome, from, asking)
      if (outcome.code !== 'unreachable') return
    }
    tally.abandoned += 1
  }

  async #hear(asking: Asking, events: AsyncGenerator<AskEvent, void>, left?: Promise<'left'>) {
    const began = Date.now()
    const patience = Promise.withResolvers<'hung'>()
    const late = setTimeout(() => patience.resolve('hung'), PATIENCE)
    const outcome = await Promise.race([asking.read(events), patience.promise, ...(left ? [left] : [])])
    clearTimeout(late)
    this.#around.tally.waited(Date.now() - began)
    return outcome
  }

  #judge(error: CocoonError, from: number, { nodes }: Asking): void {
    const { tally, weather } = this.#around
    const asked = { client: this.name, from, to: Date.now(), nodes }
    tally.failed(error.code)
    const wrong = weather.contradicts(error.code, asked)
    if (wrong) tally.breach({ what: `${error.code} (${error.message}): ${wrong}`, ...asked })
  }

  /** A device that is switched off writes nothing more. */
  #keepOn(disk: Disk): Keep {
    const device = this.#environment
    return async (newer) => {
      await device.alive()
      disk.record = newer
    }
  }

  /** As if the page was closed; the same person opens it again. */
  #switchOff(): void {
    this.#environment.kill()
    this.proxy.cut()
    this.#environment = new MortalEnvironment()
    this.#client = this.#begin()
  }

  #begin(): Client {
    const signIn = keySignIn(this.#signer)
    return createClient({ origin: this.proxy.origin, network: 'localnet', signIn, environment: this.#environment })
  }
}

function seconds(count: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, count * 1000))
}
