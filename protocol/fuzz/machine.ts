import {
  attest,
  type Base,
  bases,
  type CertificatePlan,
  planScene,
  publish,
  type ScenePlan,
} from '../../localnet/src/tee/index.ts'
import { type Claims, decodeClaims } from '../src/appraisal/claims.ts'
import type { Collateral } from '../src/appraisal/collateral.ts'
import type { Evidence } from '../src/appraisal/evidence.ts'
import type { SignedRegistry } from '../src/appraisal/registry.ts'
import type { SignedStamp } from '../src/appraisal/stamp.ts'
import type { Bytes } from '../src/index.ts'

/** Unix seconds of every target. */
export const NOW = Date.UTC(2026, 10, 22) / 1000

export interface Machine {
  readonly scene: ScenePlan
  readonly evidence: Evidence
  readonly collateral: Collateral
  readonly claims: Claims
  readonly registry: SignedRegistry
  readonly stamp: SignedStamp
}

/** Gives hardware keys of its own to a machine: no two have one. */
function rekey({ machine: { tdx, snp, gpus } }: ScenePlan): void {
  const rename = (plan: CertificatePlan | Bytes | undefined, change: Partial<CertificatePlan>) => {
    if (plan && !(plan instanceof Uint8Array)) Object.assign(plan, change)
  }
  rename(tdx.quote.chain[0], { key: 'strangerP256' })
  tdx.quote.qeSignedBy = 'strangerP256'
  rename(snp.vcek, { key: 'strangerP384' })
  snp.signedBy = 'strangerP384'
  for (const gpu of gpus) {
    rename(gpu.chain[0], { key: 'gpuAttestation1', signedBy: 'gpuDevice1' })
    rename(gpu.chain[1], { key: 'gpuDevice1' })
    gpu.signedBy = 'gpuAttestation1'
  }
}

/** The machine that is looked at, and another one, as good, of other hardware. */
export async function pairOf(base: Base): Promise<[Machine, Machine]> {
  return [await machineOf(base, 'first', 10), await machineOf(base, 'second', 90, rekey)]
}

async function machineOf(
  base: Base,
  serial: string,
  fill: number,
  change: (scene: ScenePlan) => void = () => {},
): Promise<Machine> {
  let drawn = fill
  const random = (length: number) => new Uint8Array(length).fill(drawn++)
  const scene = await planScene({ now: NOW, random, serial, ...bases[base] })
  change(scene)
  const { evidence, collateral } = await attest(scene.machine)
  return { scene, evidence, collateral, claims: decodeClaims(evidence.claims), ...(await publish(scene.registry)) }
}

export const latin1 = (bytes: Bytes): string => Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
