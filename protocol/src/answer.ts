import { type Bytes, concat, fromUtf8, utf8 } from './bytes.ts'
import { CocoonError } from './errors.ts'
import { limits } from './network.ts'

/**
 * One piece of an answer: an OpenAI `chat.completion.chunk` without the fields that never change within an answer
 * (`id`, `object`, `created`, `model`).
 */
export interface AnswerChunk {
  readonly choices: readonly AnswerChoice[]
}
/** One piece of a tool call. Pieces with the same index belong together: id and name come once, arguments are joined. */
export interface ToolCallPiece {
  readonly index: number
  readonly id?: string
  readonly type?: 'function'
  readonly function?: { readonly name?: string; readonly arguments?: string }
}
export interface AnswerChoice {
  readonly index: number
  readonly delta: {
    readonly role?: string
    readonly content?: string
    /** What a model thinks aloud before it answers. */
    readonly reasoning?: string
    readonly tool_calls?: readonly ToolCallPiece[]
  }
  readonly finish_reason?: string | null
}

/** Chunks travel as lines of JSON. Frames cut the lines anywhere, so that their sizes follow time, not content. */
export function encodeChunk(chunk: AnswerChunk): Bytes {
  return utf8(`${JSON.stringify(chunk)}\n`)
}

/** Puts lines together again. */
export class ChunkDecoder {
  #rest: Bytes = new Uint8Array(0)

  /** @throws CocoonError `forged-frame` when an authentic node sends what is no chunk: it is broken, stop. */
  push(content: Bytes): AnswerChunk[] {
    const bytes = this.#rest.length === 0 ? content : concat(this.#rest, content)
    if (bytes.length > limits.answer) throw new CocoonError('forged-frame', 'line longer than an answer')
    const chunks: AnswerChunk[] = []
    let start = 0
    for (let end = bytes.indexOf(10, start); end !== -1; end = bytes.indexOf(10, start)) {
      chunks.push(parseChunk(bytes.subarray(start, end)))
      start = end + 1
    }
    this.#rest = bytes.slice(start)
    return chunks
  }

  /** True between chunks: an answer that ends elsewhere was cut. */
  get empty(): boolean {
    return this.#rest.length === 0
  }
}

function parseChunk(line: Uint8Array): AnswerChunk {
  try {
    const value: unknown = JSON.parse(fromUtf8(line))
    if (isChunk(value)) return value
  } catch (cause) {
    throw new CocoonError('forged-frame', 'a line of the answer is no JSON', { cause })
  }
  throw new CocoonError('forged-frame', 'a line of the answer is no chunk')
}

/** Engines write null for what is absent. */
function textual(from: object, name: string): boolean {
  const part: unknown = Reflect.get(from, name)
  return part === undefined || part === null || typeof part === 'string'
}

function isChunk(value: unknown): value is AnswerChunk {
  if (typeof value !== 'object' || value === null || !('choices' in value) || !Array.isArray(value.choices))
    return false
  return value.choices.every((choice: unknown) => {
    if (typeof choice !== 'object' || choice === null || !('delta' in choice) || !('index' in choice)) return false
    const delta = choice.delta
    if (typeof choice.index !== 'number' || typeof delta !== 'object' || delta === null) return false
    if ('tool_calls' in delta && !isToolCalls(delta.tool_calls)) return false
    return textual(choice, 'finish_reason') && ['role', 'content', 'reasoning'].every((name) => textual(delta, name))
  })
}

function isToolCalls(value: unknown): boolean {
  return Array.isArray(value) && value.every(isToolCallPiece)
}

function isToolCallPiece(value: unknown): value is ToolCallPiece {
  if (typeof value !== 'object' || value === null || !('index' in value) || !textual(value, 'id')) return false
  const { index } = value
  if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index >= limits.toolCalls) return false
  if (!('function' in value) || value.function === undefined) return true
  const called = value.function
  return typeof called === 'object' && called !== null && ['name', 'arguments'].every((name) => textual(called, name))
}
