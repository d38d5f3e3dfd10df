import { type Bytes, createSigner, hex, secureRandom, sha256 } from '@cocoon/protocol'
import { encodeCollateral, encodeStanding, type Workload } from '@cocoon/protocol/appraisal'
import { developmentWorkload, SimulatedMachine, type SwitchName } from '../../localnet/src/tee/index.ts'
import { AnsweringNode, MODEL } from './answering-node.ts'
import { type Door, failure, type HttpCall, matchOf, TestBroker } from './test-broker.ts'

/** A node on a simulated machine, and what a broker carries for it. */
export interface AttestedNode {
  readonly node: AnsweringNode
  readonly machine: SimulatedMachine
  /** By digest, hex. Tests put other things under the names. */
  readonly content: Map<string, Bytes>
  /** In the order in which the broker lists it. */
  readonly collateral: string[]
}

export const now = (): number => Math.floor(Date.now() / 1000)

async function workloadOf(): Promise<Workload> {
  const workload = await developmentWorkload()
  return { ...workload, models: workload.models.map(({ root }) => ({ model: MODEL, root })) }
}

/** With these rules broken from the start. */
export async function attestedNode(...broken: readonly SwitchName[]): Promise<AttestedNode> {
  const signer = await createSigner()
  const machine = new SimulatedMachine({
    identity: signer.publicKey,
    workload: await workloadOf(),
    random: secureRandom,
    clock: now,
    gpus: ['hopper'],
  })
  for (const rule of broken) machine.break(rule)
  const made = await machine.evidence()
  const node = await AnsweringNode.start({ evidence: made.digest, notBefore: now(), useBy: now() + 600 }, signer)
  const collateral = encodeCollateral(made.collateral)
  const name = hex(await sha256(collateral))
  const content = new Map([
    [hex(made.digest), made.bytes],
    [name, collateral],
  ])
  return { node, machine, content, collateral: [name] }
}

/** Adds the doors of attestation to a broker. The owners' word is that of the first machine, as it is now. */
export async function brokerOf(nodes: readonly AttestedNode[]): Promise<TestBroker> {
  const broker = await TestBroker.start(
    nodes.map(({ node }) => node),
    (line) => line.finish(),
  )
  broker.instead = (call) => attestedDoors(nodes, call)
  return broker
}

export async function attestedDoors(
  nodes: readonly AttestedNode[],
  { path, body }: HttpCall,
): Promise<Door | undefined> {
  if (path === '/api/match') {
    const { exclude } = JSON.parse(body) as { exclude: string[] }
    const next = nodes.find(({ node }) => !exclude.includes(node.nodeId))
    if (!next) return failure(503, 'no-node')
    return { body: { ...matchOf(next.node), expires: now() + 30 } }
  }
  const [owners] = nodes
  if (path === '/api/standing' && owners) return { body: '', bytes: encodeStanding(await owners.machine.registry()) }
  const [, nodeId = '', what = '', digest = ''] = /^\/api\/nodes\/(\w+)\/(\w+)\/?(\w*)$/.exec(path) ?? []
  const of = nodes.find(({ node }) => node.nodeId === nodeId)
  if (what === 'collateral') return { body: { collateral: of?.collateral ?? [] } }
  if (what !== 'content') return undefined
  const bytes = of?.content.get(digest)
  return bytes ? { body: '', bytes } : failure(404, 'not-found')
}
