/** How one check of an appraisal ended. `not-reached`: a check before it, which it builds on, failed. */
export type StepStatus = 'passed' | 'failed' | 'not-reached'

/**
 * Whose fault a failed step is, which decides what the caller does: bad evidence is final for that evidence, bad
 * endorsements are fetched again elsewhere, a policy that says no sends the caller to another node.
 */
export type Blame = 'evidence' | 'endorsement' | 'policy' | 'registry'

/** One named check, shown to the person as it is. */
export interface Step {
  /** `group.check`, such as `tdx.quote-signature`. */
  readonly name: string
  readonly status: StepStatus
  /** The closed code of what failed; null where nothing did. */
  readonly code: string | null
  /** What was found, with the values compared; no secrets, at most a few hundred characters. */
  readonly detail: string
  /** Where the rule comes from: specification and section. */
  readonly source: string
}
