import type { ToolCallPiece } from '@cocoon/protocol'
import type { ChatRequest } from './chat-request.ts'

/** Exact token counts as the engine reports them. Four disjoint classes: `prompt` excludes `cached`; `completion` excludes `reasoning`. */
export interface Usage {
  readonly prompt: number
  readonly cached: number
  readonly completion: number
  readonly reasoning: number
}

export interface EngineModel {
  readonly id: string
  /** Tokens of prompt and answer together. */
  readonly context: number
  /** Most tokens one answer can have. */
  readonly maxOutput: number
}

export type ToolCallDelta = ToolCallPiece

/** What one event adds to the answer. At least one field is present and not empty. */
export interface Delta {
  readonly content?: string
  /** What a model thinks aloud before it answers. */
  readonly reasoning?: string
  readonly toolCalls?: readonly ToolCallDelta[]
}

export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter' | 'cancelled'

export type EngineEvent =
  | { readonly type: 'delta'; readonly index: number; readonly delta: Delta }
  /** Exactly one, the last. A stream that ends without it threw. */
  | { readonly type: 'end'; readonly finishReason: FinishReason; readonly usage: Usage }

export interface Engine {
  readonly kind: 'embedded' | 'openai'
  /** Jobs it answers at the same time; more wait, and keep nobody else waiting. */
  readonly slots: number
  /** @throws EngineError */
  models(): Promise<EngineModel[]>
  /**
   * Answers one request. An abort ends it with finish reason `cancelled` and the usage until then, so that it can be
   * receipted. A consumer that stops reading early frees the slot too, but learns no usage.
   *
   * @throws EngineError while iterating; never for an abort
   */
  chat(request: ChatRequest, options: { readonly signal: AbortSignal }): AsyncIterable<EngineEvent>
  close(): Promise<void>
}

export type EngineErrorCode =
  /** No connection to the engine. */
  | 'engine-unreachable'
  /** The engine refused, broke down or does not do what a node needs. */
  | 'engine-failed'
  /** Prompt, or prompt and asked-for answer, do not fit the model's context. */
  | 'context-exceeded'
  /** The request is malformed, or asks for what this engine does not offer. */
  | 'bad-request'
  | 'unknown-model'
  /** The engine has no room now, or is still loading: fewer jobs at a time would do. */
  | 'engine-busy'
  /** The engine was silent for too long. */
  | 'timeout'
  /** The engine's stream ended before its end mark. */
  | 'truncated'

/**
 * Why an engine gave no answer. Messages name fields, limits and settings, never a prompt or an answer; an engine's own
 * error text may quote the prompt, so it is kept neither in the message nor as the cause.
 */
export class EngineError extends Error {
  override readonly name = 'EngineError'
  readonly code: EngineErrorCode

  constructor(code: EngineErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

export const noUsage: Usage = { prompt: 0, cached: 0, completion: 0, reasoning: 0 }
