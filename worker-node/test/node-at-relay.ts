import { networks, type Statement, verifyStatement } from '@cocoon/protocol'
import type { LogFields } from '../src/log.ts'
import { type NodeOptions, WorkerNode } from '../src/node.ts'
import { Relay, until } from './relay.ts'
import { ScriptedEngine, type Step } from './scripted-engine.ts'
import { MODEL, termsOf } from './terms.ts'

/** A real node, joined to a relay in this process over a real socket. */
export class NodeAtRelay {
  readonly lines: { event: string; fields: LogFields }[] = []
  relay!: Relay
  node!: WorkerNode
  engine!: ScriptedEngine

  async start(
    script: readonly Step[] | ScriptedEngine,
    { slots = 4, ...more }: Partial<NodeOptions> & { slots?: number } = {},
  ): Promise<this> {
    this.relay = await Relay.start()
    this.engine = script instanceof ScriptedEngine ? script : new ScriptedEngine(() => script, { slots })
    this.node = await WorkerNode.start({
      broker: this.relay.url,
      terms: termsOf(),
      engine: this.engine,
      engineModels: new Map([[MODEL, 'engine-name']]),
      log: (event, fields = {}) => this.lines.push({ event, fields }),
      ...more,
    })
    await this.relay.joined()
    await until(() => this.node.up, 'the node is up')
    return this
  }

  logged(event: string): number {
    return this.lines.filter((line) => line.event === event).length
  }

  async identity(): Promise<Statement> {
    return (await verifyStatement(this.relay.statement, networks.localnet)).statement
  }

  /** Resolves when the node says that every slot is free. */
  async idle(): Promise<void> {
    await until(() => this.engine.running === 0, 'no job runs')
    await until(() => {
      const load = this.relay.loads.at(-1) ?? this.relay.hellos.at(-1)
      return load?.free === load?.slots
    }, 'all slots free')
  }

  async end(): Promise<void> {
    await this.node.stop()
    await this.relay.stop()
  }
}
