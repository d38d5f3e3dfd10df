import {
  type Bytes,
  networks,
  PREKEY_BYTES,
  type SignedStatement,
  signStatement,
  type Statement,
} from '@cocoon/protocol'
import { registryDigest, type Revocable, type Seen, stampDigest, type Workload } from '@cocoon/protocol/appraisal'

import { developmentSigner, type SeedName } from './keys.ts'
import { attest, type MachineOptions, type MachinePlan, planMachine, type SimulatedEvidence } from './machine.ts'
import { measurement } from './tdx.ts'
import { planRegistry, publish, type RegistryOptions, type RegistryPlan, type SimulatedRegistry } from './registry.ts'

/** All that an appraisal looks at: one machine, its statement, the registry, and the device's clock and memory. */
export interface ScenePlan {
  /** Unix seconds of the device. */
  now: number
  /** Global id of the network that the device is on. */
  network: number
  machine: MachinePlan
  registry: RegistryPlan
  /** What the stamp takes back of this very evidence, which is known only once it is signed. */
  revoke: (evidence: SimulatedEvidence) => Promise<Revocable[]>
  /** `evidence: null` in the plan stands for the digest of the machine's evidence; `open` leaves it null. */
  statement: Statement
  statementSignedBy: SeedName
  open: boolean
  /** What the device saw before; a null digest is that of the registry or stamp here. */
  seen: SeenPlan | null
}

interface MarkPlan {
  sequence: number
  digest: Bytes | null
}
export interface SeenPlan {
  registry: MarkPlan
  stamp: MarkPlan
}

export interface Scene {
  readonly now: number
  readonly network: number
  readonly evidence: SimulatedEvidence
  readonly registry: SimulatedRegistry
  readonly statement: SignedStatement
  readonly seen: Seen | null
}

/** The workload of the development image: an engine, a model, the rules of the image. */
export async function developmentWorkload(): Promise<Workload> {
  const name = async (text: string): Promise<Bytes> => (await measurement(text)).slice(0, 32)
  return {
    engine: { image: await name('engine'), arguments: ['--socket', '/run/engine.sock', '--no-network'] },
    models: [{ model: 'cocoon-demo', root: await name('model') }],
    policy: await name('policy'),
  }
}

/** Whoever gives no identity gets a development key's, which can sign statements. */
export type SceneOptions = Pick<MachineOptions, 'now' | 'random'> &
  Partial<Omit<MachineOptions, 'now' | 'random' | 'network'>> & {
    /** Numbers and dates of registry and stamp. */
    readonly published?: Pick<RegistryOptions, 'numbers' | 'issued' | 'bundle'>
  }

const TEN_MINUTES = 600
const FREE = { prompt: 0n, cached: 0n, completion: 0n, reasoning: 0n }

/** A scene in which everything is in order. */
export async function planScene(options: SceneOptions): Promise<ScenePlan> {
  const { now } = options
  const network = networks.localnet
  const identity = options.identity ?? (await developmentSigner('identity')).publicKey
  const workload = options.workload ?? (await developmentWorkload())
  return {
    now,
    network,
    machine: await planMachine({ ...options, network, workload, identity }),
    registry: await planRegistry({ network, now, workloads: [workload], ...options.published }),
    revoke: async () => [],
    statement: {
      version: 1,
      network,
      identity,
      prekey: new Uint8Array(PREKEY_BYTES),
      notBefore: now,
      useBy: now + TEN_MINUTES,
      evidence: null,
      payee: null,
      offers: [{ model: 'cocoon-demo', context: 4096, maxOutput: 1024, price: FREE }],
      limits: { request: 1024 * 1024, seconds: 60 },
    },
    statementSignedBy: 'identity',
    open: false,
    seen: null,
  }
}

/** Signs everything that is planned. */
export async function stage(plan: ScenePlan): Promise<Scene> {
  const evidence = await attest(plan.machine)
  const named = plan.open ? null : (plan.statement.evidence ?? evidence.digest)
  const statement = await signStatement(
    { ...plan.statement, evidence: named },
    await developmentSigner(plan.statementSignedBy),
  )
  const { stamp } = plan.registry
  const revoked = await plan.revoke(evidence)
  if (revoked.length > 0) stamp.revoked.push(...revoked)
  const registry = await publish(plan.registry)
  const seen = plan.seen && (await remember(plan.seen, registry))
  return { now: plan.now, network: plan.network, evidence, registry, statement, seen }
}

async function remember(plan: SeenPlan, { registry, stamp }: SimulatedRegistry): Promise<Seen> {
  const mark = async ({ sequence, digest }: MarkPlan, same: Promise<Bytes>) => ({
    sequence,
    digest: digest ?? (await same),
  })
  return {
    registry: await mark(plan.registry, registryDigest(registry.body)),
    stamp: await mark(plan.stamp, stampDigest(stamp.body)),
  }
}
