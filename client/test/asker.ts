import { CocoonError, createSigner, type ErrorCode, type NetworkName } from '@cocoon/protocol'
import {
  type AskEvent,
  type AskOptions,
  type Client,
  createClient,
  type Environment,
  type KeptAnswer,
  keySignIn,
  type ResumeOptions,
  type SeenMemory,
  type SignIn,
  standardEnvironment,
} from '../src/index.ts'
import { IDLE_LIFETIME, UNHEARD } from '../src/node-sockets.ts'
import { MODEL } from './answering-node.ts'
import type { TestBroker } from './test-broker.ts'

/** What came of one question. */
export interface Heard {
  readonly events: AskEvent[]
  readonly types: string[]
  readonly text: string
  readonly code: ErrorCode | undefined
  readonly error: CocoonError | undefined
  readonly done: Extract<AskEvent, { type: 'done' }> | undefined
}

/** A person's client at a broker, with the waits of its environment kept and not waited for. */
export class Asker {
  readonly client: Client
  readonly signIn: SignIn
  readonly waits: number[] = []
  /** Waits that do not end by themselves, by their length. */
  readonly held = new Map<number, PromiseWithResolvers<void>>()
  /** The same, decided as they come. */
  holds: ((milliseconds: number) => PromiseWithResolvers<void> | undefined) | undefined
  /** Milliseconds by which this device's clock is ahead. */
  ahead = 0

  private constructor(
    broker: TestBroker,
    network: NetworkName,
    signIn: SignIn,
    more: Partial<Environment> & { memory?: SeenMemory },
  ) {
    const environment = {
      ...standardEnvironment,
      now: () => Date.now() + this.ahead,
      wait: (milliseconds: number, signal?: AbortSignal) => this.#wait(milliseconds, signal),
      ...more,
    }
    this.signIn = signIn
    const memory = more.memory ? { memory: more.memory } : {}
    this.client = createClient({ origin: broker.origin, network, signIn, environment, ...memory })
  }

  static async at(
    broker: TestBroker,
    options: {
      network?: NetworkName
      signIn?: SignIn
      environment?: Partial<Environment> & { memory?: SeenMemory }
    } = {},
  ): Promise<Asker> {
    const { network = 'localnet', signIn = keySignIn(await createSigner()), environment = {} } = options
    return new Asker(broker, network, signIn, environment)
  }

  /** Unused sockets stay as long as a test runs; every other wait is over at once, or held. */
  async #wait(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    if (milliseconds === IDLE_LIFETIME || milliseconds === UNHEARD) return aborted(signal)
    this.waits.push(milliseconds)
    const held = this.held.get(milliseconds) ?? this.holds?.(milliseconds)
    if (held) await Promise.race([held.promise, aborted(signal)])
  }

  /** Asks to the end. `on` sees each event as it comes. */
  ask(options: Partial<AskOptions> = {}, on?: (event: AskEvent) => unknown): Promise<Heard> {
    const messages = [{ role: 'user' as const, content: 'hello' }]
    return hear(this.client.ask({ model: MODEL, messages, ...options }), on)
  }

  /** Goes on to the end with what was kept. */
  resume(kept: KeptAnswer | undefined, options: ResumeOptions = {}, on?: (event: AskEvent) => unknown): Promise<Heard> {
    if (!kept) throw new Error('nothing was kept')
    return hear(this.client.resume(kept, options), on)
  }
}

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve()
    signal?.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** All that comes of one question. A promise of `on` makes a slow reader. */
async function hear(answer: AsyncIterable<AskEvent>, on = (_event: AskEvent): unknown => undefined): Promise<Heard> {
  const events: AskEvent[] = []
  let error: CocoonError | undefined
  try {
    for await (const event of answer) {
      events.push(event)
      await on(event)
    }
  } catch (thrown) {
    if (!(thrown instanceof CocoonError)) throw thrown
    error = thrown
  }
  const text = events.map((event) => (event.type === 'delta' ? event.text : '')).join('')
  const done = events.find((event) => event.type === 'done')
  return { events, types: events.map(({ type }) => type), text, code: error?.code, error, done }
}
