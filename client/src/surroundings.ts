import type { Policy } from '@cocoon/protocol'
import type { Broker } from './broker.ts'
import type { Environment } from './environment.ts'
import type { Keeper } from './keeper.ts'
import type { MachineAppraiser } from './machine-appraiser.ts'
import type { NodeSockets } from './node-sockets.ts'

/** What one client's questions share. */
export interface Surroundings {
  readonly broker: Broker
  readonly network: number
  readonly policy: Policy
  readonly environment: Environment
  readonly sockets: NodeSockets
  /** Appraises machines, and remembers how that went. */
  readonly machines: MachineAppraiser
  /** Those of the answers under way. */
  readonly keepers: Set<Keeper>
}
