import type { Blame, Step } from './result.ts'

/**
 * Why an appraisal said no: one code a rule, so that a test can ask for the rule and not for any failure. `null` where
 * the same rule is applied to objects of different origin; the check that applies it says whose fault it is.
 * `endorsement`: other collateral may pass. `evidence`: nothing fetched can make this evidence pass. `policy` and
 * `registry`: the machine is what it says, and is not accepted.
 */
export const appraisalCodes = {
  // Any check.
  /** Cannot be read: DER, JSON, PEM or a length. */
  malformed: null,
  /** A check was left out of an appraisal: our own mistake, and no reason to accept. */
  'not-checked': 'policy',

  // Certificate chains (RFC 5280).
  'chain-length': null,
  'chain-untrusted': null,
  'chain-name': null,
  'chain-signature': null,
  'chain-algorithm': null,
  'chain-not-ca': null,
  'chain-key-usage': null,
  'chain-path-length': null,
  'chain-critical-extension': null,
  'chain-expired': null,
  'chain-not-yet-valid': null,
  'chain-leaf-is-ca': null,
  'chain-common-name': null,

  // Revocation lists (RFC 5280 section 5).
  'crl-missing': 'endorsement',
  'crl-issuer': 'endorsement',
  'crl-signer': 'endorsement',
  'crl-algorithm': 'endorsement',
  'crl-signature': 'endorsement',
  'crl-critical-extension': 'endorsement',
  'crl-not-yet-valid': 'endorsement',
  'crl-expired': 'endorsement',
  'crl-revoked': null,

  // Intel TDX: quote.
  'tdx-quote-format': 'evidence',
  'tdx-quote-version': 'evidence',
  'tdx-key-type': 'evidence',
  'tdx-tee-type': 'evidence',
  'tdx-qe-vendor': 'evidence',
  'tdx-body-type': 'evidence',
  'tdx-certification-type': 'evidence',
  'tdx-section-length': 'evidence',
  'tdx-trailing-bytes': 'evidence',
  'tdx-quote-signature': 'evidence',

  // Intel TDX: collateral.
  'tcb-info-signature': 'endorsement',
  'tcb-info-format': 'endorsement',
  'tcb-info-id': 'endorsement',
  'tcb-info-not-yet-valid': 'endorsement',
  'tcb-info-expired': 'endorsement',
  'tcb-info-fmspc': 'endorsement',
  'tcb-info-pceid': 'endorsement',
  'qe-identity-signature': 'endorsement',
  'qe-identity-format': 'endorsement',
  'qe-identity-id': 'endorsement',
  'qe-identity-not-yet-valid': 'endorsement',
  'qe-identity-expired': 'endorsement',
  'tcb-evaluation-too-old': 'endorsement',

  // Intel TDX: quoting enclave.
  'qe-report-signature': 'evidence',
  'qe-binding': 'evidence',
  'qe-debug': 'evidence',
  'qe-signer': 'evidence',
  'qe-product': 'evidence',
  'qe-miscselect': 'evidence',
  'qe-attributes': 'evidence',
  'qe-no-level': 'endorsement',

  // Intel TDX: platform and module.
  'pck-extension': 'evidence',
  'pck-svn': 'evidence',
  'tdx-module-unknown': 'endorsement',
  'tdx-module-signer': 'evidence',
  'tdx-module-attributes': 'evidence',
  'tdx-module-no-level': 'endorsement',
  'tcb-no-level': 'endorsement',
  'tcb-revoked': 'policy',
  'tcb-not-up-to-date': 'policy',
  'tcb-grace-over': 'policy',
  'tcb-grace-date': 'policy',
  'tcb-grace-advisory': 'policy',

  // Intel TDX: the trust domain.
  'td-debug': 'evidence',
  'td-reserved': 'evidence',
  'td-sept-ve': 'evidence',
  'td-migratable': 'evidence',
  'td-xfam': 'evidence',
  'td-service': 'evidence',

  // Registry statement and stamp: signed by the owners, carried by anyone.
  'network-refused': 'registry',
  'registry-format': 'registry',
  'registry-network': 'registry',
  'registry-unpublished': 'registry',
  'registry-signer': 'registry',
  'registry-threshold': 'registry',
  'registry-rollback': 'registry',
  'registry-fork': 'registry',
  'registry-not-yet-valid': 'registry',
  'registry-expired': 'registry',
  'stamp-format': 'registry',
  'stamp-network': 'registry',
  'stamp-signature': 'registry',
  'stamp-registry': 'registry',
  'stamp-rollback': 'registry',
  'stamp-fork': 'registry',
  'stamp-expired': 'registry',
  /** The device's clock is behind what the stamp proves. */
  'clock-behind': 'registry',

  // Evidence, claims, revocation.
  /** The node's statement names no evidence: an open node. */
  'not-attested': 'policy',
  /** What was fetched is not what the statement names. */
  'evidence-digest': 'endorsement',
  'evidence-format': 'evidence',
  'tee-not-accepted': 'policy',
  'collateral-kind': 'endorsement',
  'claims-format': 'evidence',
  'claims-network': 'evidence',
  'claims-not-yet-valid': 'evidence',
  'claims-expired': 'evidence',
  /** The stamp takes back the evidence, or something that it shows. */
  revoked: 'policy',

  // What booted and what it runs.
  'report-data': 'evidence',
  'measurement-unlisted': 'policy',
  'td-config-id': 'policy',
  'td-owner': 'policy',
  'td-owner-config': 'policy',
  'workload-register': 'evidence',
  'workload-engine': 'policy',
  'workload-model': 'policy',
  'workload-policy': 'policy',

  // NVIDIA GPUs.
  'gpu-count': 'policy',
  'gpu-missing': 'evidence',
  'gpu-unclaimed': 'evidence',
  'gpu-order': 'evidence',
  'gpu-duplicate': 'evidence',
  'gpu-format': 'evidence',
  'gpu-version': 'evidence',
  'gpu-architecture': 'policy',
  'gpu-firmware': 'evidence',
  'gpu-signature': 'evidence',
  'gpu-nonce': 'evidence',
  'gpu-mode': 'policy',

  // AMD SEV-SNP.
  'snp-format': 'evidence',
  'snp-version': 'evidence',
  'snp-algorithm': 'evidence',
  'snp-signing-key': 'evidence',
  'snp-signature': 'evidence',
  'snp-extension': 'endorsement',
  'snp-product': 'endorsement',
  'snp-chip': 'endorsement',
  'snp-tcb': 'endorsement',
  'snp-tcb-old': 'policy',
  'snp-debug': 'evidence',
  'snp-migratable': 'evidence',
  'snp-reserved': 'evidence',
  'snp-privilege': 'evidence',
  'snp-host-data': 'policy',

  // The statement that the evidence stands for.
  'statement-network': 'evidence',
  'statement-identity': 'evidence',
  'statement-dates': 'evidence',
  'statement-model': 'evidence',
} as const satisfies Record<string, Blame | null>
export type AppraisalCode = keyof typeof appraisalCodes

/** The one error that appraisal throws. `message` says what was found; it holds no secret, since evidence has none. */
export class AppraisalError extends Error {
  override readonly name = 'AppraisalError'
  readonly code: AppraisalCode
  /** `null` until the check that threw it has said whose fault it is. */
  readonly blame: Blame | null

  constructor(code: AppraisalCode, message: string, options: { blame?: Blame; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.blame = options.blame ?? appraisalCodes[code]
  }
}

/** Throws `code` unless `condition` holds. */
export function ensure(condition: boolean, code: AppraisalCode, message: string): asserts condition {
  if (!condition) throw new AppraisalError(code, message)
}

/** One planned check. */
export interface Check {
  /** `group.check`, such as `tdx.quote-signature`. */
  readonly name: string
  /** Specification and section the rule comes from. */
  readonly source: string
  /** Whose fault a failure is where its code does not say. */
  readonly blame: Blame
}

export interface Failure {
  readonly code: AppraisalCode
  readonly blame: Blame
  readonly message: string
  /** The check that failed. */
  readonly step: string
}

export type Outcome<T> =
  | { readonly steps: readonly Step[]; readonly failure: null; readonly value: T }
  | { readonly steps: readonly Step[]; readonly failure: Failure; readonly value: null }

const MAX_DETAIL = 300

/**
 * The record of one appraisal. Checks are planned first and run in the planned order, so that what was not reached is
 * listed as such, and what was left out cannot pass for checked.
 */
export class Steps {
  readonly #plan: Check[]
  readonly #done: Step[] = []
  #failure: Failure | null = null

  constructor(plan: readonly Check[]) {
    this.#plan = [...plan]
  }

  /** Adds checks that only what was read so far shows to be needed, such as one a GPU. */
  expect(checks: readonly Check[]): void {
    this.#plan.push(...checks)
  }

  /**
   * Runs the check `name`, the next of the plan. `found` records what was found.
   * @throws AppraisalError whatever went wrong inside: an exception nobody foresaw becomes `malformed`.
   */
  async run<T>(name: string, check: (found: (detail: string) => void) => T | Promise<T>): Promise<T> {
    const planned = this.#plan[this.#done.length]
    if (this.#failure || planned?.name !== name) {
      throw this.#fail(planned, new AppraisalError('not-checked', `${name} is not the next check of the plan`))
    }
    let detail = ''
    try {
      const value = await check((text) => {
        detail = text
      })
      this.#done.push(stepOf(planned, 'passed', null, detail))
      return value
    } catch (error) {
      throw this.#fail(planned, typed(error))
    }
  }

  #fail(planned: Check | undefined, error: AppraisalError): AppraisalError {
    if (this.#failure) return error
    const check = planned ?? { name: 'plan', source: '', blame: 'policy' as const }
    const blame = error.blame ?? check.blame
    this.#failure = { code: error.code, blame, message: error.message, step: check.name }
    this.#done.push(stepOf(check, 'failed', error.code, error.message))
    return error.blame === blame ? error : new AppraisalError(error.code, error.message, { blame, cause: error.cause })
  }

  /** Ends the record: a failure where there was one, or where a planned check was never run. */
  close<T>(value: T | null, error: AppraisalError | null): Outcome<T> {
    if (!this.#failure && error) this.#fail(this.#plan[this.#done.length], error)
    const left = this.#plan[this.#done.length]
    if (!this.#failure && left) this.#fail(left, new AppraisalError('not-checked', 'this check was never run'))
    const missed = this.#plan.slice(this.#done.length).map((check) => stepOf(check, 'not-reached', null, ''))
    const steps = [...this.#done, ...missed]
    if (this.#failure) return { steps, failure: this.#failure, value: null }
    return { steps, failure: null, value: value as T }
  }
}

/** Runs `body` with a fresh record of `plan`. Never throws. */
export async function inSteps<T>(plan: readonly Check[], body: (steps: Steps) => Promise<T>): Promise<Outcome<T>> {
  const steps = new Steps(plan)
  try {
    return steps.close<T>(await body(steps), null)
  } catch (error) {
    return steps.close<T>(null, typed(error))
  }
}

function typed(error: unknown): AppraisalError {
  if (error instanceof AppraisalError) return error
  const message = error instanceof Error ? error.message : 'cannot be read'
  return new AppraisalError('malformed', message, { cause: error })
}

function stepOf(check: Check, status: Step['status'], code: AppraisalCode | null, detail: string): Step {
  return { name: check.name, status, code, detail: detail.slice(0, MAX_DETAIL), source: check.source }
}
