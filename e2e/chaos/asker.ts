import { type AskEvent, type Client, createClient, keySignIn } from '@cocoon/client'
import { CocoonError, hex, type Signer } from '@cocoon/protocol'
import { FaultProxy } from './fault-proxy.ts'
import { MortalEnvironment } from './mortal-environment.ts'
import { type Question, requestOf } from './question.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { Tally } from './tally.ts'
import type { Weather } from './weather.ts'

/** What a person does with one question, and how often of a hundred times. */
const habits = { waits: 84, stops: 8, leaves: 8 } as const
/** Nobody waits longer for an end, whatever happens. Milliseconds. */
export const PATIENCE = 180_000

/** What an asker shares with all others. */
export interface Surroundings {
  readonly tally: Tally
  readonly weather: Weather
  /** Name of the node with this id. */
  readonly nodeName: (id: string) => string
  /** Seconds between two questions of one person, on average. */
  readonly thinking: number
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
      const pause = this.#random.between(0.2, 2 * thinking - 0.2) * 1000
      if (Date.now() + pause >= until) return
      await new Promise((resolve) => setTimeout(resolve, pause))
      await this.ask(this.#random.pick(this.questions), this.#random.weighed(habits))
    }
  }

  async ask(question: Question, habit: keyof typeof habits): Promise<void> {
    const { tally, weather } = this.#around
    const asking = new Asking(question, this.#around)
    const span = weather.asking()
    const stop = new AbortController()
    // Also before anything was sent, and after the end.
    const moment = setTimeout(
      () => {
        if (habit === 'stops') stop.abort()
        if (habit === 'leaves') asking.leave()
      },
      this.#random.between(0, 2_000),
    )
    tally.asked += 1
    const patience = Promise.withResolvers<'hung'>()
    const late = setTimeout(() => patience.resolve('hung'), PATIENCE)
    const events = this.#client.ask({ ...requestOf(question.text), signal: stop.signal })
    const outcome = await Promise.race([asking.read(events), asking.left, patience.promise])
    clearTimeout(late)
    clearTimeout(moment)
    span.to = Date.now()
    tally.waited(span.to - span.from)
    const asked = { client: this.name, ...span, nodes: asking.nodes }
    if (outcome === 'hung') tally.breach({ what: `no end within ${PATIENCE / 1000} s`, ...asked })
    if (outcome === 'left' || outcome === 'hung') {
      tally.abandoned += 1
      this.#switchOff()
      return
    }
    if (!(outcome instanceof CocoonError)) return
    if (outcome.code === 'cancelled' && stop.signal.aborted) {
      tally.cancelled += 1
      return
    }
    tally.failed(outcome.code)
    const wrong = weather.contradicts(outcome.code, asked)
    if (wrong) tally.breach({ what: `${outcome.code} (${outcome.message}): ${wrong}`, ...asked })
  }

  /** As if the page was closed; the next question is asked by the same person, who opened it again. */
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

/** One question under way: compares every word with the right answer as it comes. */
class Asking {
  readonly nodes: string[] = []
  readonly #question: Question
  readonly #around: Surroundings
  readonly #leaving = Promise.withResolvers<'left'>()
  #jobId = ''
  #text = ''

  constructor(question: Question, around: Surroundings) {
    this.#question = question
    this.#around = around
  }

  get left(): Promise<'left'> {
    return this.#leaving.promise
  }

  leave(): void {
    this.#leaving.resolve('left')
  }

  /** The error that ended it, if one did. */
  async read(events: AsyncIterable<AskEvent>): Promise<CocoonError | undefined> {
    const { tally } = this.#around
    try {
      for await (const event of events) this.#take(event)
      return undefined
    } catch (error) {
      if (error instanceof CocoonError) return error
      const what = error instanceof Error ? (error.stack ?? error.message) : String(error)
      tally.breach({ what: `an error that is no CocoonError: ${what}` })
      return undefined
    }
  }

  #take(event: AskEvent): void {
    const { tally, weather, nodeName } = this.#around
    switch (event.type) {
      case 'checking':
        weather.leased()
        if (this.nodes.length > 0) tally.retries += 1
        this.nodes.push(nodeName(event.nodeId))
        return
      case 'sealed':
        this.#jobId = event.jobId
        return
      case 'resumed':
        tally.resumed += 1
        return
      case 'delta':
        this.#text += event.text
        if (!this.#question.answer.startsWith(this.#text)) this.#wrong('the text is not the beginning of the answer')
        return
      case 'done':
        tally.acknowledged.add(this.#jobId)
        if (event.status === 'cancelled') tally.cancelled += 1
        else this.#judge(event.usage.completion)
        return
      default:
    }
  }

  #judge(tokens: number): void {
    this.#around.tally.answered += 1
    if (this.#text !== this.#question.answer) this.#wrong('the answer is not complete')
    else if (tokens !== this.#question.tokens)
      this.#wrong(`${tokens} tokens were counted, not ${this.#question.tokens}`)
  }

  #wrong(why: string): void {
    const { text, answer } = this.#question
    const what = `${why}: asked ${JSON.stringify(text)}, heard ${JSON.stringify(this.#text)}, right is ${JSON.stringify(answer)}`
    this.#around.tally.breach({ what, nodes: this.nodes })
  }
}
