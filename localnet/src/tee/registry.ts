import type { Bytes, NetworkId } from '@cocoon/protocol'
import {
  type Reference,
  type Registry,
  registryDigest,
  encodeRegistry,
  signAsOwner,
  type SignedRegistry,
  type SignedStamp,
  signStamp,
  type Stamp,
  type Workload,
} from '@cocoon/protocol/appraisal'
import { AMD_PRODUCT } from './amd-certificates.ts'

import { developmentSigner, type SeedName } from './keys.ts'
import { DEVELOPMENT_BOX, DEVELOPMENT_IMAGE, shapeOf, snpMeasurement } from './machine.ts'
import { MAX_GPUS } from './nvidia-certificates.ts'
import { simulatedMeasurements, TCB_EVALUATION_NUMBER } from './platform.ts'

/** What the owners and the stamp service are about to sign. */
export interface RegistryPlan {
  registry: Registry
  owners: SeedName[]
  /** Changes the statement's bytes after they were signed. */
  tamper: ((body: Bytes) => unknown) | null
  /** `registry: null` names the statement above. */
  stamp: Omit<Stamp, 'registry'> & { registry: Stamp['registry'] | null }
  stampSignedBy: SeedName
}

export interface SimulatedRegistry {
  readonly registry: SignedRegistry
  readonly stamp: SignedStamp
}

const HOUR = 3600
const DAY = 24 * HOUR
export const STAMP_HOURS = 48

/** Reference values of `image` in `box`, of either kind, with any number of GPUs up to eight. */
async function references(image: string, box: string): Promise<Reference[]> {
  const counts = Array.from({ length: MAX_GPUS + 1 }, async (_, gpus): Promise<Reference[]> => {
    const shape = shapeOf(box, gpus)
    const { mrTd, rtmr } = await simulatedMeasurements(image, shape)
    return [
      { tee: 'tdx', image, shape, gpus, mrtd: mrTd, rtmrs: [...rtmr] },
      { tee: 'sev-snp', image, shape, gpus, measurement: await snpMeasurement(image, shape) },
    ]
  })
  return (await Promise.all(counts)).flat()
}

export interface RegistryOptions {
  readonly network: NetworkId
  readonly now: number
  readonly workloads: readonly Workload[]
  readonly image?: string
  readonly box?: string
  /** Numbers and dates of the two. Whoever publishes again counts up, or signs the very same. */
  readonly numbers?: { readonly registry: number; readonly stamp: number }
  /** Digest of the built Mini App (scripts/bundle.mjs). */
  readonly bundle?: Bytes
  readonly issued?: { readonly registry: number; readonly stamp: number }
}

/** A registry that lists the development image and `workloads`; `now` in Unix seconds; the stamp is an hour old then. */
export async function planRegistry(options: RegistryOptions): Promise<RegistryPlan> {
  const { network, now, workloads } = options
  const numbers = options.numbers ?? { registry: 7, stamp: 100 }
  const issued = options.issued ?? { registry: now - DAY, stamp: now - HOUR }
  const stampSigner = await developmentSigner('stamp')
  const firmware = { fmc: 0, bootloader: 9, tee: 0, snp: 22, microcode: 72 }
  return {
    registry: {
      version: 1,
      network,
      sequence: numbers.registry,
      issued: issued.registry,
      expires: issued.registry + 91 * DAY,
      stampKey: stampSigner.publicKey,
      tees: ['tdx', 'sev-snp'],
      references: await references(options.image ?? DEVELOPMENT_IMAGE, options.box ?? DEVELOPMENT_BOX),
      engines: workloads.map(({ engine }) => structuredClone(engine)),
      models: workloads.flatMap(({ models }) => structuredClone(models)),
      policies: workloads.map(({ policy }) => policy),
      bundles: options.bundle ? [{ name: 'mini-app', digest: options.bundle }] : [],
      tdx: { evaluation: TCB_EVALUATION_NUMBER, grace: null, configIds: [], owners: [], ownerConfigs: [] },
      snp: [{ product: AMD_PRODUCT, least: firmware }],
    },
    owners: ['owner0', 'owner1'],
    tamper: null,
    stamp: {
      version: 1,
      network,
      registry: null,
      sequence: numbers.stamp,
      issued: issued.stamp,
      expires: issued.stamp + STAMP_HOURS * HOUR,
      revoked: [],
    },
    stampSignedBy: 'stamp',
  }
}

export async function publish(plan: RegistryPlan): Promise<SimulatedRegistry> {
  const body = encodeRegistry(plan.registry)
  const owners = await Promise.all(plan.owners.map(developmentSigner))
  const signatures = await Promise.all(owners.map((owner) => signAsOwner(body, owner)))
  const registry = plan.stamp.registry ?? (await registryDigest(body))
  plan.tamper?.(body)
  const stamp = await signStamp({ ...plan.stamp, registry }, await developmentSigner(plan.stampSignedBy))
  return { registry: { body, signatures }, stamp }
}
