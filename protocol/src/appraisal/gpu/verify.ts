import { type Bytes, equal, hex, sha256 } from '../../bytes.ts'
import { type Claims, gpuNonce } from '../claims.ts'
import { type GpuEvidence, gpuEvidenceDigest } from '../evidence.ts'
import { AppraisalError, type Check, ensure, type Steps } from '../failure.ts'
import { isSignedBy } from '../public-key.ts'
import { type Certificate, readCertificate, verifyChain } from '../x509.ts'
import { checkFirmware, checkMode, type Gpu, readArchitecture, readVersions } from './device.ts'
import { readSpdmReport, type SpdmReport } from './spdm.ts'

const SPDM = 'DMTF DSP0274 1.1.0, section 10.11'

/** Step 12 of the checklist. Each check looks at every GPU, in order. */
export const gpuChecks: readonly Check[] = [
  { name: 'gpu.list', source: 'SPEC.md A2', blame: 'evidence' },
  { name: 'gpu.reports', source: SPDM, blame: 'evidence' },
  { name: 'gpu.chains', source: 'RFC 5280 section 6; NVIDIA nvtrust, local GPU verifier', blame: 'evidence' },
  { name: 'gpu.devices', source: 'SPEC.md A2', blame: 'evidence' },
  { name: 'gpu.firmware', source: 'TCG DICE attestation architecture 1.1, section 6.1', blame: 'evidence' },
  { name: 'gpu.signatures', source: `${SPDM}.3`, blame: 'evidence' },
  { name: 'gpu.nonces', source: 'SPEC.md A1', blame: 'evidence' },
  { name: 'gpu.mode', source: 'NVIDIA nvtrust, OPAQUE_DATA_TYPES', blame: 'policy' },
]

/** Leaf, device, provisioner, identity of the generation, root: as recorded of Hopper and Blackwell. */
const CHAIN_LENGTH = 5

export interface GpuInput {
  readonly claims: Claims
  readonly gpus: readonly GpuEvidence[]
  /** How many GPUs the machine's shape has. */
  readonly expected: number
  /** The pinned root, DER. */
  readonly root: Bytes
  /** Unix seconds. */
  readonly now: number
}

export interface GpuVerdict {
  readonly gpus: readonly Gpu[]
  /** Unix seconds: the earliest date of a certificate; `Infinity` without GPUs. */
  readonly expires: number
}

/** Runs `gpuChecks`. @throws AppraisalError after the check that failed is recorded */
export async function verifyGpus(steps: Steps, { claims, gpus, expected, root, now }: GpuInput): Promise<GpuVerdict> {
  /** Names the GPU in what a check found or threw. */
  const each = async <T>(check: (index: number) => T | Promise<T>): Promise<T[]> => {
    const results: T[] = []
    for (const index of gpus.keys()) results.push(await numbered(index, check))
    return results
  }
  const at = <T>(list: readonly T[], index: number): T => list[index] as T

  await steps.run('gpu.list', async (found) => {
    const digests = await Promise.all(gpus.map(gpuEvidenceDigest))
    checkList(claims.gpu, digests, expected)
    found(`${gpus.length} GPUs`)
  })
  const reports = await steps.run('gpu.reports', () => each((i) => readSpdmReport(at(gpus, i).report)))
  const chains = await steps.run('gpu.chains', async (found) => {
    const read = await each((i) => openChain(at(gpus, i), root, now))
    found(read.map(({ chip }) => chip).join(', '))
    return read
  })
  const devices = await steps.run('gpu.devices', async () => {
    const keys = await each((i) => sha256(at(chains, i).device.key.bytes))
    ensure(new Set(keys.map(hex)).size === keys.length, 'gpu-duplicate', 'one GPU stands for two')
    return keys
  })
  await steps.run('gpu.firmware', async (found) => {
    found((await each((i) => checkFirmware(at(reports, i), at(chains, i).leaf))).join(', '))
  })
  await steps.run('gpu.signatures', () =>
    each(async (i) => {
      const { signature, signed }: SpdmReport = at(reports, i)
      const genuine = await isSignedBy(at(chains, i).leaf.key, signature, signed)
      ensure(genuine, 'gpu-signature', 'report is not signed by its attestation key')
    }),
  )
  await steps.run('gpu.nonces', () =>
    each(async (i) => {
      const nonce = await gpuNonce(claims.network, claims.identity, claims.bootNonce, i)
      ensure(equal(nonce, at(reports, i).nonce), 'gpu-nonce', 'report answers another nonce than that of this node')
    }),
  )
  await steps.run('gpu.mode', async (found) => {
    const modes = await each((i) => checkMode(at(reports, i)))
    ensure(new Set(modes).size <= 1, 'gpu-mode', 'GPUs of one machine differ in mode')
    found(modes[0] ?? 'no GPU')
  })

  const expires = Math.min(...chains.map((chain) => chain.expires))
  return {
    expires,
    gpus: devices.map((device, i) => {
      const { architecture, chip } = at(chains, i)
      return { architecture, chip, device, ...readVersions(at(reports, i)) }
    }),
  }
}

async function numbered<T>(index: number, check: (index: number) => T | Promise<T>): Promise<T> {
  try {
    return await check(index)
  } catch (cause) {
    if (!(cause instanceof AppraisalError)) throw cause
    const blame = cause.blame ? { blame: cause.blame } : {}
    throw new AppraisalError(cause.code, `GPU ${index}: ${cause.message}`, { cause, ...blame })
  }
}

function checkList(claimed: readonly Bytes[], found: readonly Bytes[], expected: number): void {
  const [names, digests] = [claimed.map(hex), found.map(hex)]
  const counts = `${names.length} GPUs claimed, ${digests.length} shown`
  ensure(new Set(digests).size === digests.length, 'gpu-duplicate', 'the same GPU evidence twice')
  ensure(new Set(names).size === names.length, 'gpu-duplicate', 'the same GPU claimed twice')
  ensure(digests.length >= names.length, 'gpu-missing', counts)
  ensure(
    digests.every((digest) => names.includes(digest)),
    'gpu-unclaimed',
    `${counts}, and not the same ones`,
  )
  ensure(
    digests.every((digest, i) => digest === names[i]),
    'gpu-order',
    'GPUs are not in the order of the claims',
  )
  ensure(names.length === expected, 'gpu-count', `${names.length} GPUs on a machine shape with ${expected}`)
}

async function openChain({ chain }: GpuEvidence, root: Bytes, now: number) {
  const certificates = chain.map(readCertificate)
  const expires = await verifyChain(certificates, { root, now, length: CHAIN_LENGTH })
  const [leaf, device] = certificates as [Certificate, Certificate]
  return { leaf, device, expires, ...readArchitecture(certificates) }
}
