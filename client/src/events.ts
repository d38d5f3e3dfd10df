import type { BrokerCode, Bytes, Final, Usage } from '@cocoon/protocol'

/** One turn of a conversation, in OpenAI's words. */
export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

/**
 * Everything needed to go on with an answer after a reload, at one moment: `bytes` open the frames that follow `text` and
 * `reasoning`. It holds the secrets of this one answer: keep it encrypted, replace the last one of the same job as a
 * whole, and delete it when the answer ended.
 */
export interface KeptAnswer {
  /** Lower-case hex. */
  readonly jobId: string
  readonly nodeId: string
  readonly bytes: Bytes
  readonly text: string
  readonly reasoning: string
}

/**
 * Stores a record durably and resolves then: what it covers is acknowledged, and the broker forgets it. Rejecting says
 * that it is not stored; the question goes on, and nothing is acknowledged for that record.
 */
export type Keep = (kept: KeptAnswer) => Promise<void>

export interface ResumeOptions {
  /** Aborting cancels the job at the node; the events then end with `done`, status `cancelled`, and what it cost. */
  readonly signal?: AbortSignal
  /**
   * Called with a newer record when the question is sent, at most about once a second while the answer streams, when the
   * connection breaks, and at the end. Without it nothing but the whole answer is acknowledged.
   */
  readonly keep?: Keep
}

export interface AskOptions extends ResumeOptions {
  readonly model: string
  readonly messages: readonly ChatMessage[]
  /** Tokens of the answer at most; the node's own limit where absent. */
  readonly maxTokens?: number
  readonly temperature?: number
  readonly seed?: number
  /** Nodes not to ask, by id: those that failed this question before. */
  readonly exclude?: readonly string[]
}

/** What the device itself found out about the machine that answers. */
export interface NodeView {
  readonly nodeId: string
  /** `null`: it proved nothing. Only a development network lets such a node answer. */
  readonly evidence: string | null
  readonly standing: 'private' | 'open' | 'not-attested'
}

/** The life of one question, in order. Errors are thrown, as CocoonError. */
export type AskEvent =
  /** Looking for a node. */
  | { readonly type: 'matching' }
  /** Every node is busy, or the broker wants fewer calls: it is asked again after about so many milliseconds. */
  | { readonly type: 'waiting'; readonly code: 'all-busy' | 'rate-limited'; readonly retryAfterMs: number }
  /** The node that was found cannot take the question, for this reason; the broker names another. */
  | { readonly type: 'moved'; readonly code: BrokerCode; readonly nodeId: string }
  /** Appraising the node that was found. */
  | { readonly type: 'checking'; readonly nodeId: string }
  | { readonly type: 'sealing' }
  /** Sealed to this node and sent; waiting for the first words. */
  | { readonly type: 'sealed'; readonly jobId: string; readonly node: NodeView }
  | { readonly type: 'delta'; readonly text: string; readonly reasoning: string }
  /** The connection broke; the answer waits, sealed. */
  | { readonly type: 'lost' }
  | { readonly type: 'resumed' }
  /** The authentic end. Nothing else is one. */
  | {
      readonly type: 'done'
      readonly status: 'done' | 'cancelled'
      readonly finishReason: Final['finishReason']
      readonly usage: Usage
      /** Nanograms; `0n` on the free trial. */
      readonly cost: bigint
      readonly frames: number
    }
