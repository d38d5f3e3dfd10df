import { CocoonError, createSigner, type ErrorCode, type NetworkName } from '@cocoon/protocol'
import {
  type AskEvent,
  type AskOptions,
  type Client,
  createClient,
  type Environment,
  keySignIn,
  type SignIn,
  standardEnvironment,
} from '../src/index.ts'
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
  readonly waits: number[] = []
  /** Waits that do not end by themselves, by their length. */
  readonly held = new Map<number, PromiseWithResolvers<void>>()
  /** Milliseconds by which this device's clock is ahead. */
  ahead = 0

  private constructor(broker: TestBroker, network: NetworkName, signIn: SignIn, more: Partial<Environment>) {
    const environment = {
      ...standardEnvironment,
      now: () => Date.now() + this.ahead,
      wait: (milliseconds: number) => {
        this.waits.push(milliseconds)
        return this.held.get(milliseconds)?.promise ?? Promise.resolve()
      },
      ...more,
    }
    this.client = createClient({ origin: broker.origin, network, signIn, environment })
  }

  static async at(
    broker: TestBroker,
    options: { network?: NetworkName; signIn?: SignIn; environment?: Partial<Environment> } = {},
  ): Promise<Asker> {
    const { network = 'localnet', signIn = keySignIn(await createSigner()), environment = {} } = options
    return new Asker(broker, network, signIn, environment)
  }

  /** Asks to the end. `on` sees each event as it comes. */
  async ask(options: Partial<AskOptions> = {}, on = (_event: AskEvent): void => undefined): Promise<Heard> {
    const events: AskEvent[] = []
    let error: CocoonError | undefined
    try {
      const messages = [{ role: 'user' as const, content: 'hello' }]
      for await (const event of this.client.ask({ model: MODEL, messages, ...options })) {
        events.push(event)
        on(event)
      }
    } catch (thrown) {
      if (!(thrown instanceof CocoonError)) throw thrown
      error = thrown
    }
    const text = events.map((event) => (event.type === 'delta' ? event.text : '')).join('')
    const done = events.find((event) => event.type === 'done')
    return { events, types: events.map(({ type }) => type), text, code: error?.code, error, done }
  }
}
