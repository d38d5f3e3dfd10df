import * as v from 'valibot'
import { type Delta, EngineError, type FinishReason, type ToolCallDelta, type Usage } from './engine.ts'

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))

const EngineUsage = v.object({
  prompt_tokens: count,
  completion_tokens: v.nullish(count),
  prompt_tokens_details: v.nullish(v.object({ cached_tokens: v.nullish(count) })),
  completion_tokens_details: v.nullish(v.object({ reasoning_tokens: v.nullish(count) })),
  /** SGLang's place for it. */
  reasoning_tokens: v.nullish(count),
})

const ToolCallPiece = v.object({
  index: v.optional(count, 0),
  id: v.nullish(v.string()),
  function: v.nullish(v.object({ name: v.nullish(v.string()), arguments: v.nullish(v.string()) })),
})

const Chunk = v.object({
  choices: v.optional(
    v.array(
      v.object({
        index: v.optional(count, 0),
        delta: v.nullish(
          v.object({
            content: v.nullish(v.string()),
            /** OpenAI: in place of an answer, where a schema would leave no other way to decline. */
            refusal: v.nullish(v.string()),
            /** vLLM and Ollama. */
            reasoning: v.nullish(v.string()),
            /** SGLang and llama-server. */
            reasoning_content: v.nullish(v.string()),
            tool_calls: v.nullish(v.array(ToolCallPiece)),
          }),
        ),
        finish_reason: v.nullish(v.string()),
      }),
    ),
    [],
  ),
  usage: v.nullish(EngineUsage),
})

/** What one event of an engine's stream says. */
export interface StreamPiece {
  readonly deltas: readonly { readonly index: number; readonly delta: Delta }[]
  readonly finishReason?: FinishReason
  readonly usage?: Usage
}

/**
 * Reads the data of one event of an OpenAI-compatible stream, whichever engine wrote it.
 *
 * @throws EngineError `engine-failed`, or what an error inside the stream stands for
 */
export function readStreamEvent(data: string): StreamPiece {
  let json: unknown
  try {
    json = JSON.parse(data)
  } catch {
    throw new EngineError('engine-failed', 'the engine streams something else than JSON')
  }
  if (typeof json === 'object' && json !== null && 'error' in json && json.error) throw engineComplaint(undefined, json)
  const chunk = v.safeParse(Chunk, json)
  if (!chunk.success) throw new EngineError('engine-failed', 'the engine streams something else than completion chunks')
  const { choices, usage } = chunk.output
  const finish = choices.find(({ finish_reason }) => finish_reason)?.finish_reason
  return {
    deltas: choices.flatMap(({ index, delta }) => {
      const normal = normalDelta(delta ?? {})
      return normal ? [{ index, delta: normal }] : []
    }),
    ...(finish && { finishReason: finishReasonOf(finish) }),
    ...(usage && { usage: disjointUsage(usage) }),
  }
}

type EngineDelta = NonNullable<v.InferOutput<typeof Chunk>['choices'][number]['delta']>

function normalDelta(delta: EngineDelta): Delta | undefined {
  const reasoning = delta.reasoning || delta.reasoning_content
  const content = delta.content || delta.refusal
  const toolCalls = delta.tool_calls?.map(toolCallDelta)
  if (!content && !reasoning && !toolCalls?.length) return undefined
  return {
    ...(content && { content }),
    ...(reasoning && { reasoning }),
    ...(toolCalls?.length && { toolCalls }),
  }
}

function toolCallDelta({ index, id, function: called }: v.InferOutput<typeof ToolCallPiece>): ToolCallDelta {
  return {
    index,
    // The first piece of a call is the one with its id.
    ...(id && { id, type: 'function' as const }),
    ...(called && {
      function: {
        ...(called.name && { name: called.name }),
        ...(typeof called.arguments === 'string' && { arguments: called.arguments }),
      },
    }),
  }
}

function finishReasonOf(reason: string): FinishReason {
  switch (reason) {
    case 'length':
    case 'tool_calls':
    case 'content_filter':
      return reason
    case 'function_call':
      return 'tool_calls'
    case 'abort':
    case 'error':
      throw new EngineError('engine-failed', 'the engine gave the answer up')
    default:
      return 'stop'
  }
}

/** Engines count cached tokens as prompt tokens too, and reasoning tokens as completion tokens; here nothing is counted twice. */
function disjointUsage(usage: v.InferOutput<typeof EngineUsage>): Usage {
  const cached = usage.prompt_tokens_details?.cached_tokens ?? 0
  const reasoning = usage.completion_tokens_details?.reasoning_tokens ?? usage.reasoning_tokens ?? 0
  const completion = (usage.completion_tokens ?? 0) - reasoning
  const prompt = usage.prompt_tokens - cached
  if (prompt < 0 || completion < 0)
    throw new EngineError('engine-failed', 'the engine reports more of a part than of the whole usage')
  return { prompt, cached, completion, reasoning }
}

const Complaint = v.object({
  error: v.optional(
    v.union([
      v.string(),
      v.object({ code: v.nullish(v.unknown()), type: v.nullish(v.unknown()), message: v.nullish(v.unknown()) }),
    ]),
  ),
  message: v.nullish(v.unknown()),
})

/** What engines say of a request that is too long; test/engine/engine-errors.ts says which said what, and where. */
const tooLong = new RegExp(
  [
    'exceed_context_size|context size',
    'context_length_exceeded|maximum context length',
    'longer than the maximum model length',
    'max_tokens must be at least 1, got -',
    "longer than the model's context length",
    'exceeds? (the )?(available )?context (length|window)',
  ].join('|'),
  'i',
)

/**
 * What an engine's error means to a node. Its text may quote the prompt, so it is only looked at, never passed on.
 *
 * @param status of the HTTP answer; undefined for an error inside a stream that began well
 */
export function engineComplaint(status: number | undefined, body: unknown): EngineError {
  const parsed = v.safeParse(Complaint, body)
  const error = parsed.success ? (parsed.output.error ?? parsed.output.message) : undefined
  const texts = typeof error === 'object' && error !== null ? Object.values(error) : [error]
  const says = (pattern: RegExp) => texts.some((text) => typeof text === 'string' && pattern.test(text))
  const answered = status === undefined ? 'the engine broke the answer off' : `the engine answered HTTP ${status}`
  if (status === undefined || status === 400 || status === 413 || status === 422 || status === 500) {
    if (says(tooLong)) return new EngineError('context-exceeded', 'the request does not fit the context of the engine')
  }
  switch (status ?? 0) {
    case 400:
    case 413:
    case 422:
    case 501:
      return new EngineError('bad-request', `${answered}: it does not take this request`)
    case 401:
    case 403:
      return new EngineError('engine-failed', `${answered}: check the API key for it`)
    case 404:
      return new EngineError('unknown-model', `${answered}: it does not serve this model`)
    case 408:
    case 504:
      return new EngineError('timeout', answered)
    case 429:
    case 503:
      return new EngineError('engine-busy', `${answered}: it has no room, or is still loading`)
    default:
      return new EngineError('engine-failed', answered)
  }
}
