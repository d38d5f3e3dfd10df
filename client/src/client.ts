import { CocoonError, type ModelInfo, networks, type NetworkName, type Trial } from '@cocoon/protocol'
import { ask, resume } from './ask.ts'
import { Broker } from './broker.ts'
import { Preparations } from './candidates.ts'
import { type Environment, standardEnvironment } from './environment.ts'
import type { AskEvent, AskOptions, KeptAnswer, ResumeOptions } from './events.ts'
import { MachineAppraiser, type SeenMemory } from './machine-appraiser.ts'
import { NodeSockets } from './node-sockets.ts'
import type { SignIn } from './sign-in.ts'
import type { Surroundings } from './surroundings.ts'

export interface ClientOptions {
  /** Where the broker is, such as `https://cocoon.example`. */
  readonly origin: string
  /** The network this client believes in; the broker is not asked. */
  readonly network: NetworkName
  readonly signIn: SignIn
  /** The runtime's own unless a test brings another. */
  readonly environment?: Environment
  /** Without it every run of this device starts to trust anew which registry statement is the newest. */
  readonly memory?: SeenMemory
}

/** A user's side of Cocoon: finds a node, appraises it, seals to it, opens the answer. */
export interface Client {
  /** @throws CocoonError `wrong-broker` when the broker serves another network. */
  models(): Promise<ModelInfo[]>
  trial(): Promise<Trial>
  /** Asks one question. Ends with the event `done`, or throws CocoonError; never with a short answer. */
  ask(options: AskOptions): AsyncGenerator<AskEvent, void>
  /**
   * Goes on with an answer from its record: yields what is kept of it first, then the rest. One reader at a time: the
   * relay sends an answer to whoever asked for it last.
   * @throws CocoonError `unknown-job` when the answer is not kept any more (24 hours); `node-lost` after the last stored
   * frame when the machine vanished: the answer then stays incomplete
   */
  resume(kept: KeptAnswer, options?: ResumeOptions): AsyncGenerator<AskEvent, void>
  /**
   * Does ahead of need what can be done before a question is known: finds a node, appraises it, connects to it. Nothing is
   * reserved, and `ask` may go to another node all the same.
   * @throws CocoonError as a match or an appraisal does
   */
  prepare(model: string, exclude?: readonly string[]): Promise<void>
  /** Writes the records of all answers under way now, as before a page is put away. */
  flush(): Promise<void>
  /** To be called when the network or the device came back: finds out at once which connections still live. */
  wake(): void
  /**
   * Closes the sockets that wait for a next question (for three minutes otherwise) and keeps none from now on. Questions
   * under way are not touched.
   */
  close(): void
}

export function createClient(options: ClientOptions): Client {
  const environment = options.environment ?? standardEnvironment
  const broker = new Broker(options.origin, options.signIn, environment)
  const network = networks[options.network]
  // Only a development network has nothing better than open nodes.
  const policy = options.network === 'localnet' ? 'open' : 'private'
  const sockets = new NodeSockets(broker, environment)
  const machines = new MachineAppraiser(broker, environment, network, options.memory)
  const around: Surroundings = { broker, network, policy, environment, sockets, machines, keepers: new Set() }
  const preparations = new Preparations(around)
  return {
    async models() {
      const answer = await broker.models()
      if (answer.network !== network) throw new CocoonError('wrong-broker', `this broker is not on ${options.network}`)
      return answer.models
    },
    trial: () => broker.trial(),
    ask: (question) => ask(around, preparations, question),
    resume: (kept, how = {}) => resume(around, kept, how),
    prepare: (model, exclude = []) => preparations.prepare(model, exclude),
    async flush() {
      await Promise.all([...around.keepers].map((keeper) => keeper.flush()))
    },
    wake: () => sockets.wake(),
    close: () => sockets.close(),
  }
}
