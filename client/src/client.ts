import { CocoonError, type ModelInfo, networks, type NetworkName, type Trial } from '@cocoon/protocol'
import { ask } from './ask.ts'
import { Broker } from './broker.ts'
import { type Environment, standardEnvironment } from './environment.ts'
import type { AskEvent, AskOptions } from './events.ts'
import type { SignIn } from './sign-in.ts'

export interface ClientOptions {
  /** Where the broker is, such as `https://cocoon.example`. */
  readonly origin: string
  /** The network this client believes in; the broker is not asked. */
  readonly network: NetworkName
  readonly signIn: SignIn
  /** The runtime's own unless a test brings another. */
  readonly environment?: Environment
}

/** A user's side of Cocoon: finds a node, appraises it, seals to it, opens the answer. */
export interface Client {
  /** @throws CocoonError `wrong-broker` when the broker serves another network. */
  models(): Promise<ModelInfo[]>
  trial(): Promise<Trial>
  /** Asks one question. Ends with the event `done`, or throws CocoonError; never with a short answer. */
  ask(options: AskOptions): AsyncGenerator<AskEvent, void>
}

export function createClient(options: ClientOptions): Client {
  const environment = options.environment ?? standardEnvironment
  const broker = new Broker(options.origin, options.signIn, environment)
  const network = networks[options.network]
  // Only a development network has nothing better than open nodes.
  const policy = options.network === 'localnet' ? 'open' : 'private'
  return {
    async models() {
      const answer = await broker.models()
      if (answer.network !== network) throw new CocoonError('wrong-broker', `this broker is not on ${options.network}`)
      return answer.models
    },
    trial: () => broker.trial(),
    ask: (question) => ask({ broker, network, policy, environment }, question),
  }
}
