import { type Bytes, concat, hex, type NetworkId, sha256, utf8 } from '@cocoon/protocol'
import {
  type Claims,
  type Collateral,
  encodeClaims,
  encodeEvidence,
  type Evidence,
  evidenceDigest,
  gpuEvidenceDigest,
  gpuNonce,
  MAX_CLAIMS_SECONDS,
  reportData,
  type TeeKind,
  type Workload,
  workloadDigest,
} from '@cocoon/protocol/appraisal'
import { encodeTdxCollateral } from './collateral.ts'
import type { PckIssuer } from './intel-certificates.ts'
import { zeros } from './little-endian.ts'
import type { GpuGeneration, GpuNumber } from './nvidia-certificates.ts'
import { simulatedMeasurements, type TdxPlan, tdxPlan } from './platform.ts'
import { encodeSnpCollateral, encodeSnpReport, type SnpPlan, snpPlan } from './snp.ts'
import { encodeGpu, type GpuPlan, gpuPlan } from './spdm.ts'
import { encodeQuote, measurement } from './tdx.ts'

/** What a machine is, before it states anything. */
export interface MachineOptions {
  readonly network: NetworkId
  /** The Ed25519 key that evidence is for. */
  readonly identity: Bytes
  readonly workload: Workload
  /** Unix seconds: evidence is good from here for a day. */
  readonly now: number
  /** `length` bytes nobody can foresee; tests bring a seeded source. */
  readonly random: (length: number) => Bytes
  readonly tee?: TeeKind
  /** 4; or 5 with a report of TDX 1.0 or 1.5. */
  readonly quote?: 'v4' | 'v5' | 'v5-tdx-1.5'
  readonly pckIssuer?: PckIssuer
  readonly gpus?: readonly GpuGeneration[]
  /** Of this run of the node; drawn where it is not given. */
  readonly bootNonce?: Bytes
  /** Names the hardware: PPID, chip id and the GPUs' device ids follow from it. */
  readonly serial?: string
  readonly image?: string
  /** The box without its GPUs. */
  readonly box?: string
}

/** Everything a machine is about to state. Every field can be set against the rules before it is signed. */
export interface MachinePlan {
  tee: TeeKind
  claims: Claims
  /** What the image's init extends RTMR3 with, in order: the digest of the workload, once. */
  extensions: Bytes[]
  /** Changes the claims after the quote was made over them. */
  tamper: ((claims: Claims) => unknown) | null
  /** Null: the digest of the claims, as it must be. */
  reportData: Bytes | null
  /** In the order of their nonces. */
  gpus: GpuPlan[]
  /** What the claims name, of the digests of all GPU evidence. */
  claim: (digests: Bytes[]) => Bytes[]
  /** What is presented of it. */
  present: (gpu: Evidence['gpu']) => Evidence['gpu']
  /** Changes the evidence's bytes as a whole. */
  rewrite: ((bytes: Bytes) => Bytes) | null
  /** Whose collateral is carried beside the evidence. */
  carried: TeeKind
  tdx: TdxPlan
  snp: SnpPlan
}

/** Evidence, and what its makers vouch with. */
export interface SimulatedEvidence {
  readonly evidence: Evidence
  readonly bytes: Bytes
  /** SHA-256 of `bytes`: what a statement names. */
  readonly digest: Bytes
  readonly collateral: Collateral
}

export const DEVELOPMENT_IMAGE = 'cocoon-development'
export const DEVELOPMENT_BOX = '8 CPUs, 64 GiB'
/** A shape names the GPUs too: the firmware measures what is plugged in. */
export const shapeOf = (box: string, gpus: number) => `${box}, ${gpus} GPUs`
export const BOOT_NONCE_BYTES = 32

const sha384 = async (...parts: readonly Uint8Array[]): Promise<Bytes> =>
  new Uint8Array(await crypto.subtle.digest('SHA-384', concat(...parts)))

/** A runtime register after `extensions` (TDX module, TDG.MR.RTMR.EXTEND). */
export async function extend(extensions: readonly Bytes[]): Promise<Bytes> {
  let register = zeros(48)
  for (const digest of extensions) register = await sha384(register, digest)
  return register
}

/** AMD has no runtime registers: its one measurement is of the image. */
export const snpMeasurement = (image: string, shape: string) => measurement(`SNP launch of ${image} on ${shape}`)

/** 16 hex digits that name a GPU. */
async function deviceId(serial: string, gpu: number): Promise<string> {
  const digest = await sha256(utf8(`simulated GPU ${gpu} of ${serial}`))
  return hex(digest.subarray(0, 8)).toUpperCase()
}

async function planGpus(
  gpus: readonly GpuGeneration[],
  options: MachineOptions,
  bootNonce: Bytes,
  serial: string,
): Promise<GpuPlan[]> {
  const plans = gpus.map(async (generation, i) =>
    gpuPlan({
      generation,
      gpu: i as GpuNumber,
      deviceId: await deviceId(serial, i),
      nonce: await gpuNonce(options.network, options.identity, bootNonce, i),
      responseNonce: options.random(32),
    }),
  )
  return Promise.all(plans)
}

/** An honest machine. What is random is drawn now; what is signed is signed in `attest`. */
export async function planMachine(options: MachineOptions): Promise<MachinePlan> {
  const { network, identity, workload, now } = options
  const serial = options.serial ?? 'development'
  const image = options.image ?? DEVELOPMENT_IMAGE
  const gpus = options.gpus ?? ['hopper']
  const shape = shapeOf(options.box ?? DEVELOPMENT_BOX, gpus.length)
  const bootNonce = options.bootNonce ?? options.random(BOOT_NONCE_BYTES)
  // Filled in by `attest`, once it is known what is measured and claimed.
  const later = { rtmr3: zeros(48), reportData: zeros(64) }
  const measured = await simulatedMeasurements(image, shape)
  const tdx = await tdxPlan({ serial, now, measured, ...later, issuer: options.pckIssuer ?? 'platform' })
  tdx.quote.version = options.quote === undefined || options.quote === 'v4' ? 4 : 5
  tdx.quote.bodyType = options.quote === 'v5-tdx-1.5' ? 3 : 2
  return {
    tee: options.tee ?? 'tdx',
    claims: {
      version: 1,
      network,
      identity,
      workload: structuredClone(workload),
      gpu: [],
      bootNonce,
      notBefore: now,
      notAfter: now + MAX_CLAIMS_SECONDS,
    },
    extensions: [await workloadDigest(workload)],
    tamper: null,
    reportData: null,
    gpus: await planGpus(gpus, options, bootNonce, serial),
    claim: (digests) => digests,
    present: (gpu) => gpu,
    rewrite: null,
    carried: options.tee ?? 'tdx',
    tdx,
    snp: await snpPlan({ serial, now, measurement: await snpMeasurement(image, shape), reportData: zeros(64) }),
  }
}

/** Signs what is planned: GPU evidence first, then the claims that name it, then the quote over the claims. */
export async function attest(plan: MachinePlan): Promise<SimulatedEvidence> {
  const gpu = await Promise.all(plan.gpus.map(encodeGpu))
  const digests = await Promise.all(gpu.map(gpuEvidenceDigest))
  const content = { ...plan.claims, gpu: plan.claim(digests) }
  const claims = encodeClaims(content)
  const bound = plan.reportData ?? (await reportData(claims))
  const quote = plan.tee === 'tdx' ? await quoteTdx(plan, bound) : await quoteSnp(plan, bound)
  plan.tamper?.(content)
  const evidence: Evidence = {
    version: 1,
    tee: plan.tee,
    claims: encodeClaims(content),
    quote,
    gpu: plan.present(gpu),
  }
  const bytes = plan.rewrite?.(encodeEvidence(evidence)) ?? encodeEvidence(evidence)
  return { evidence, bytes, digest: await evidenceDigest(bytes), collateral: await vouch(plan, plan.carried) }
}

async function quoteTdx({ tdx, extensions }: MachinePlan, bound: Bytes): Promise<Bytes> {
  const [rtmr0, rtmr1, rtmr2] = tdx.quote.td.rtmr
  const rtmr3 = await extend(extensions)
  const td = { ...tdx.quote.td, rtmr: [rtmr0, rtmr1, rtmr2, rtmr3] as [Bytes, Bytes, Bytes, Bytes], reportData: bound }
  return encodeQuote({ ...tdx.quote, td })
}

function quoteSnp({ snp }: MachinePlan, bound: Bytes): Promise<Bytes> {
  return encodeSnpReport({ ...snp, report: { ...snp.report, reportData: bound } })
}

async function vouch({ tdx, snp }: MachinePlan, tee: TeeKind): Promise<Collateral> {
  if (tee === 'sev-snp') return { tee, snp: await encodeSnpCollateral(snp) }
  return { tee, tdx: await encodeTdxCollateral(tdx.collateral) }
}
