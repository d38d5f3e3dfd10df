import { type Bytes, fromHex, hex } from '@cocoon/protocol'
import {
  type Collateral,
  encodeCollateral,
  type TeeKind,
  type Workload,
  workloadDigest,
} from '@cocoon/protocol/appraisal'
import { attest } from './machine.ts'
import type { GpuGeneration } from './nvidia-certificates.ts'
import { pem } from './certificates.ts'
import { planScene, type ScenePlan } from './scene.ts'
import { encodeGpu } from './spdm.ts'
import { flipSwitches, type SwitchName } from './switches.ts'

/** One simulated machine as commands of a development node ask it: for a quote over report data, for GPU evidence. */
export interface CommandMachine {
  readonly tee: TeeKind
  readonly gpus: readonly GpuGeneration[]
  /** Names the hardware. */
  readonly serial: string
  /** What the image's init extended RTMR3 with. */
  readonly workload: Workload
  readonly broken: readonly SwitchName[]
  /** Unix seconds. */
  readonly now: number
  readonly random: (length: number) => Bytes
}

async function plan(machine: CommandMachine, set: (scene: ScenePlan) => void): Promise<ScenePlan> {
  const scene = await planScene(machine)
  set(scene)
  await flipSwitches(scene, machine.broken)
  return scene
}

/** The quote over these 64 bytes, with the collateral that the machine carries. */
export async function simulateQuote(
  machine: CommandMachine,
  reportData: Bytes,
): Promise<{ quote: Bytes; collateral: Collateral }> {
  const scene = await plan(machine, (made) => {
    made.machine.reportData = reportData
  })
  const { evidence, collateral } = await attest(scene.machine)
  return { quote: evidence.quote, collateral }
}

/** As a node's quote command has to print it. */
export async function printQuote(machine: CommandMachine, reportData: Bytes): Promise<string> {
  const { quote, collateral } = await simulateQuote(machine, reportData)
  return JSON.stringify({
    tee: machine.tee,
    quote: Buffer.from(quote).toString('base64'),
    collateral: Buffer.from(encodeCollateral(collateral)).toString('base64'),
  })
}

/** What every GPU answers to one nonce, as NVIDIA's tool prints it: it knows no other way to ask. */
export async function printGpus(machine: CommandMachine, nonce: Bytes): Promise<string> {
  const scene = await plan(machine, (made) => {
    for (const gpu of made.machine.gpus) gpu.nonce = nonce.slice()
  })
  const evidences = await Promise.all(
    scene.machine.gpus.map(async (gpu, i) => {
      const { report, chain } = await encodeGpu(gpu)
      return {
        arch: machine.gpus[i]?.toUpperCase(),
        certificate: Buffer.from(pem(...chain)).toString('base64'),
        evidence: Buffer.from(report).toString('base64'),
        nonce: hex(nonce),
        version: '1.0',
      }
    }),
  )
  return JSON.stringify({ evidences, result_code: 0, result_message: 'Ok' })
}

/** JSON of a workload as a node reads it from a file: digests in hex. */
export async function printWorkload(workload: Workload): Promise<string> {
  const { engine, models, policy } = workload
  const text = {
    engine: { image: hex(engine.image), arguments: engine.arguments },
    models: models.map(({ model, root }) => ({ model, root: hex(root) })),
    policy: hex(policy),
    digest: hex(await workloadDigest(workload)),
  }
  return JSON.stringify(text, null, 2)
}

interface WorkloadText {
  readonly engine: { readonly image: string; readonly arguments: string[] }
  readonly models: { readonly model: string; readonly root: string }[]
  readonly policy: string
}

export function parseWorkload(text: string): Workload {
  const { engine, models, policy } = JSON.parse(text) as WorkloadText
  return {
    engine: { image: fromHex(engine.image), arguments: engine.arguments },
    models: models.map(({ model, root }) => ({ model, root: fromHex(root) })),
    policy: fromHex(policy),
  }
}
