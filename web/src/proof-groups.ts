import type { ProofGroup } from './words/en-proof.ts'

/** One check of an appraisal, as the verifier named it. */
export interface ProofStep {
  readonly name: string
  readonly status: 'passed' | 'failed' | 'not-reached'
  readonly code: string | null
  readonly detail: string
}

export interface GroupedSteps {
  readonly group: ProofGroup
  readonly steps: readonly ProofStep[]
  readonly status: ProofStep['status']
}

/** The order in which they are shown. */
const order: readonly ProofGroup[] = ['hardware', 'firmware', 'closed', 'software', 'gpu', 'key', 'owners']

/** Beginnings of the names of checks; the longest that fits decides. */
const beginnings: readonly (readonly [string, ProofGroup])[] = [
  ['network', 'owners'],
  ['registry.', 'owners'],
  ['stamp.', 'owners'],
  ['clock', 'owners'],
  ['evidence.', 'owners'],
  ['evidence.digest', 'key'],
  ['claims.', 'key'],
  ['claims.report-data', 'software'],
  ['tdx.', 'hardware'],
  ['tdx.tcb', 'firmware'],
  ['tdx.qe-identity', 'firmware'],
  ['tdx.revocation-lists', 'firmware'],
  ['tdx.signer', 'firmware'],
  ['tdx.platform', 'firmware'],
  ['tdx.module', 'firmware'],
  ['td.', 'closed'],
  ['snp.', 'hardware'],
  ['snp.tcb', 'firmware'],
  ['snp.policy', 'closed'],
  ['snp.privilege', 'closed'],
  ['reference.', 'software'],
  ['workload.', 'software'],
  ['gpu.', 'gpu'],
  ['statement.', 'key'],
]

export function groupOf(step: string): ProofGroup {
  const fitting = beginnings.filter(([beginning]) => step.startsWith(beginning))
  return fitting.toSorted(([a], [b]) => b.length - a.length)[0]?.[1] ?? 'software'
}

/** All checks in groups a person can hold in mind. A group fails with any of its checks. */
export function groupSteps(steps: readonly ProofStep[]): GroupedSteps[] {
  return order.flatMap((group) => {
    const own = steps.filter(({ name }) => groupOf(name) === group)
    if (own.length === 0) return []
    const failed = own.some(({ status }) => status === 'failed')
    const missed = own.some(({ status }) => status === 'not-reached')
    return [{ group, steps: own, status: failed ? 'failed' : missed ? 'not-reached' : 'passed' }]
  })
}
