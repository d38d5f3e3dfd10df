import type { BrokerCode, Bytes, Final, ToolCallPiece, Usage } from '@cocoon/protocol'
import type { AppraisalCode, Proof } from '@cocoon/protocol/appraisal'

/** A part of a message. An image is a `data:` URL: a node fetches nothing for anyone. */
export type ContentPart =
  | { readonly type: 'text'; readonly text: string }
  | {
      readonly type: 'image_url'
      readonly image_url: { readonly url: string; readonly detail?: 'auto' | 'low' | 'high' }
    }

/** What a model wants called. The arguments are JSON as the model wrote it: check them before acting on them. */
export interface ToolCall {
  readonly id: string
  readonly type: 'function'
  readonly function: { readonly name: string; readonly arguments: string }
}

/** One turn of a conversation, in OpenAI's words and names. */
export type ChatMessage =
  | { readonly role: 'system' | 'user'; readonly content: string | readonly ContentPart[] }
  | { readonly role: 'assistant'; readonly content: string | null; readonly tool_calls?: readonly ToolCall[] }
  /** What calling a tool gave. */
  | { readonly role: 'tool'; readonly content: string; readonly tool_call_id: string }

type JsonSchema = Readonly<Record<string, unknown>>

/** What a model may ask to be called, in OpenAI's words and names. `parameters` is a JSON schema. */
export interface Tool {
  readonly type: 'function'
  readonly function: {
    readonly name: string
    readonly description?: string
    readonly parameters?: JsonSchema
    /** The arguments must obey the schema, or the question is refused. */
    readonly strict?: boolean
  }
}
export type ToolChoice =
  | 'none'
  | 'auto'
  | 'required'
  | { readonly type: 'function'; readonly function: { readonly name: string } }

/** The shape an answer must have. */
export type ResponseFormat =
  | { readonly type: 'text' | 'json_object' }
  | {
      readonly type: 'json_schema'
      readonly json_schema: {
        readonly name: string
        readonly description?: string
        readonly schema: JsonSchema
        readonly strict?: boolean
      }
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
  /** What came so far of tool calls, joined by index. Absent where none came. */
  readonly toolCalls?: readonly ToolCallPiece[]
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
  readonly topP?: number
  readonly seed?: number
  /** At most four texts, each of which ends the answer before it. */
  readonly stop?: readonly string[]
  readonly tools?: readonly Tool[]
  readonly toolChoice?: ToolChoice
  readonly responseFormat?: ResponseFormat
  /** Nodes not to ask, by id: those that failed this question before. */
  readonly exclude?: readonly string[]
}

/** What the device itself found out about the machine that answers. */
export interface NodeView {
  readonly nodeId: string
  /** `null`: it proved nothing. Only a development network lets such a node answer. */
  readonly evidence: string | null
  /**
   * `private`: proven. `development`: proven under the roots of a development build, whose keys everybody has: nothing is
   * private. `open`: the operator may read. `not-attested`: it proved nothing.
   */
  readonly standing: 'private' | 'development' | 'open' | 'not-attested'
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
  /** This machine did not hold what it claims: nothing was sealed to it, and another one is looked for. */
  | { readonly type: 'refused'; readonly nodeId: string; readonly code: AppraisalCode }
  /**
   * Sealed to this node and sent; waiting for the first words. `proof`: what its appraisal looked at; none of a node that
   * proves nothing, and none for an answer that is gone on with.
   */
  | { readonly type: 'sealed'; readonly jobId: string; readonly node: NodeView; readonly proof?: Proof }
  | {
      readonly type: 'delta'
      readonly text: string
      readonly reasoning: string
      /** Pieces of tool calls; whole calls stand in `done`. */
      readonly toolCalls?: readonly ToolCallPiece[]
    }
  /** The connection broke; the answer waits, sealed. */
  | { readonly type: 'lost' }
  | { readonly type: 'resumed' }
  /** The authentic end. Nothing else is one. */
  | {
      readonly type: 'done'
      readonly status: 'done' | 'cancelled'
      readonly finishReason: Final['finishReason']
      readonly usage: Usage
      /** Whole, in the order of their indices. Absent where the model called none. */
      readonly toolCalls?: readonly ToolCall[]
      /** Nanograms; `0n` on the free trial. */
      readonly cost: bigint
      readonly frames: number
    }
