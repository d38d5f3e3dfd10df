import type { Final, Usage } from '@cocoon/protocol'

/** One turn of a conversation, in OpenAI's words. */
export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

export interface AskOptions {
  readonly model: string
  readonly messages: readonly ChatMessage[]
  /** Tokens of the answer at most; the node's own limit where absent. */
  readonly maxTokens?: number
  readonly temperature?: number
  readonly seed?: number
  /** Aborting cancels the job at the node; the events then end with `done`, status `cancelled`, and what it cost. */
  readonly signal?: AbortSignal
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
