import { type Bytes, CocoonError, copy } from '@cocoon/protocol'
import {
  type Claims,
  type Collateral,
  decodeClaims,
  decodeEvidence,
  encodeClaims,
  encodeEvidence,
  type Evidence,
  evidenceDigest,
  gpuEvidenceDigest,
  gpuNonce,
  MAX_CLAIMS_SECONDS,
  reportData,
  type Workload,
} from '@cocoon/protocol/appraisal'
import { AttestationError, type Attester } from './attester.ts'
import type { GpuAttester } from './gpu.ts'
import { readQuoteForm } from './quote-form.ts'

/** Claims begin a little in the past, so that a clock that is set back does not leave statements outside of them. Seconds. */
const HEAD_START = 5 * 60
const BOOT_NONCE_BYTES = 32

export interface MadeEvidence {
  readonly bytes: Bytes
  /** SHA-256 of `bytes`: what statements name. */
  readonly digest: Bytes
  readonly claims: Claims
  readonly evidence: Evidence
  /** What the machine holds of its maker's endorsements; null where the broker has to fetch all. */
  readonly collateral: Collateral | null
  /** RTMR3 as the hardware signed it; null on SEV-SNP. */
  readonly register: Bytes | null
}

export interface EvidenceMakerOptions {
  readonly attester: Attester
  readonly gpus: GpuAttester
  readonly network: number
  /** The Ed25519 key that statements are signed with; born in this process. */
  readonly identity: Bytes
  readonly workload: Workload
  /** Wall clock, milliseconds. */
  readonly now: () => number
  readonly random: (length: number) => Bytes
}

/** Makes evidence for one identity key and one run of the node, in the order of SPEC.md A1, so that nothing is circular. */
export class EvidenceMaker {
  readonly #options: EvidenceMakerOptions
  readonly #bootNonce: Bytes

  constructor(options: EvidenceMakerOptions) {
    this.#options = options
    this.#bootNonce = options.random(BOOT_NONCE_BYTES)
  }

  /** @throws AttestationError */
  async make(): Promise<MadeEvidence> {
    const { attester, gpus, network, identity } = this.#options
    const gpu = await gpus.evidence((index) => gpuNonce(network, identity, this.#bootNonce, index))
    const claims = this.#claim(await Promise.all(gpu.map(gpuEvidenceDigest)))
    const encoded = encodeClaims(claims)
    const quote = await attester.quote(await reportData(encoded))
    const evidence: Evidence = { version: 1, tee: attester.kind, claims: encoded, quote: quote.bytes, gpu }
    const bytes = encodeEvidence(evidence)
    requireReadable(bytes)
    return {
      bytes,
      digest: await evidenceDigest(bytes),
      claims,
      evidence,
      collateral: quote.collateral,
      register: readQuoteForm(attester.kind, quote.bytes).rtmr3,
    }
  }

  #claim(gpu: Bytes[]): Claims {
    const { network, identity, workload, now } = this.#options
    const notBefore = Math.floor(now() / 1000) - HEAD_START
    return {
      version: 1,
      network,
      identity: copy(identity),
      workload,
      gpu,
      bootNonce: this.#bootNonce,
      notBefore,
      notAfter: notBefore + MAX_CLAIMS_SECONDS,
    }
  }
}

/** Devices read it with these very rules; what they would refuse for its form is not offered. */
function requireReadable(bytes: Bytes): void {
  try {
    decodeClaims(decodeEvidence(bytes).claims)
  } catch (cause) {
    const why = cause instanceof CocoonError ? cause.message : 'it cannot be read'
    const what = `evidence of this machine has a form that devices refuse (${why}): check the workload and the GPU command`
    throw new AttestationError('setting-wrong', what, { cause })
  }
}
