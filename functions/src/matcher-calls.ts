import type { MatchResponse, Policy, SignedStatement } from '@cocoon/protocol'

/** What a relay tells about its node. */
export interface Offering {
  readonly node: string
  readonly statement: SignedStatement
  /** Hex digest of the evidence, or null. */
  readonly evidence: string | null
  /** Nanograms per million tokens, by class, as decimal text. */
  readonly price: { prompt: string; cached: string; completion: string; reasoning: string }
  readonly context: number
  readonly slots: number
  readonly free: number
  /** Unix milliseconds after which the statement serves no new job. */
  readonly useBy: number
}

export interface LoadReport {
  readonly node: string
  readonly slots: number
  readonly free: number
  /** Leases whose jobs the node counts itself now, or that will never bring one. */
  readonly ended: readonly string[]
}

export interface LeaseRequest {
  /** Random; names the lease, should there be one. */
  readonly id: string
  readonly user: string
  readonly policy: Policy
  readonly exclude: readonly string[]
}

export interface Grant {
  readonly node: string
  readonly statement: MatchResponse['statement']
  readonly evidence: string | null
  /** Unix milliseconds: of the lease; of a candidate that was only named, when its statement is over. */
  readonly expires: number
}

export type MatchAnswer =
  | { readonly kind: 'granted'; readonly grant: Grant }
  /** There are such nodes, but none has a free slot. */
  | { readonly kind: 'busy'; readonly retryAfterMs: number }
  /** No node serves this at all. */
  | { readonly kind: 'none' }

export interface MatcherSummary {
  readonly nodes: number
  readonly free: number
  readonly price: Offering['price'] | null
  readonly context: number
  /** Slots kept for leases that brought no job yet. */
  readonly reserved: number
  /** Callers in line. */
  readonly waiting: number
}
