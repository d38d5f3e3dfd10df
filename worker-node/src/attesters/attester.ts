import type { Bytes } from '@cocoon/protocol'
import type { Collateral, TeeKind } from '@cocoon/protocol/appraisal'

/** What a quote carries for its owner, on either kind of hardware. */
export const REPORT_DATA_BYTES = 64

export interface Quote {
  /** To its last byte and no further: a TDX quote of version 4 or 5, or an SEV-SNP report. */
  readonly bytes: Bytes
  /** What the machine holds of its maker's endorsements; null where it holds none. Lists it lacks are empty. */
  readonly collateral: Collateral | null
}

/** Has the hardware sign 64 bytes. */
export interface Attester {
  readonly kind: TeeKind
  /**
   * A quote over exactly these 64 bytes.
   *
   * @throws AttestationError
   */
  quote(reportData: Bytes): Promise<Quote>
}

export type AttestationCode =
  /** There is no trusted execution environment here, or the kernel does not show it. */
  | 'tee-absent'
  /** It is there and gave no quote. */
  | 'tee-failed'
  /** Somebody else is using it; trying again helped not. */
  | 'tee-busy'
  /** What came back is no quote, or not over the bytes that were asked for. */
  | 'quote-wrong'
  /** The register that workload is bound by cannot be read. */
  | 'register-absent'
  /** The register says that something else runs here. */
  | 'register-differs'
  /** A configured command is missing, failed, took too long or said too much. */
  | 'command-failed'
  /** A configured command ran, and what it printed is not what was asked for. */
  | 'gpu-evidence'
  /** A setting or a file that attestation needs is missing or wrong. */
  | 'setting-wrong'
  /** Evidence is over, and no new one could be made. */
  | 'evidence-expired'

/** Why a node cannot show what it is. The message says what to do; it holds no secret. */
export class AttestationError extends Error {
  override readonly name = 'AttestationError'
  readonly code: AttestationCode

  constructor(code: AttestationCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** The system's name of an error, such as ENOENT; empty where it has none. */
export function systemCode(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : ''
}
