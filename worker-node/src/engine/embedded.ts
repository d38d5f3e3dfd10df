import { getLlama, type Llama, type LlamaContext, LlamaLogLevel, type LlamaModel, type Token } from 'node-llama-cpp'
import { answerGrammar } from './answer-grammar.ts'
import { chatPromptFor, type ChatPrompt, opensThought } from './chat-prompt.ts'
import type { ChatRequest } from './chat-request.ts'
import { type Engine, EngineError, type EngineEvent, type EngineModel, noUsage } from './engine.ts'
import { generateAnswer } from './generation.ts'
import { sampleInTurn } from './sampling-order.ts'
import { SequenceSlots } from './sequence-slots.ts'
import { CALL_OPEN } from './tool-call-text.ts'
import { type ToolPlan, toolPlan, withInstructions } from './tool-plan.ts'
import { checkWeights } from './weights.ts'

export { digestWeights } from './weights.ts'

export interface EmbeddedOptions {
  /** A GGUF in one file. */
  readonly modelPath: string
  /** The name under which requests ask for it. */
  readonly modelId: string
  /** Jobs at the same time. Every one has a whole context of its own, in memory from the start. */
  readonly slots: number
  /** Tokens of one job's prompt and answer; without it, what the model was trained for, up to 4096. */
  readonly contextSize?: number
  /** Threads of one evaluation. More than idle cores make it slower, by ten times on two busy cores. */
  readonly threads?: number
  /** `auto` uses a GPU whose prebuilt binaries are installed. Nothing is ever downloaded or built. */
  readonly gpu?: 'auto' | false
  /** Seeds for requests that bring none. */
  readonly randomSeed?: () => number
  /** Told what llama.cpp says while it loads the model; later lines are dropped, since they might hold content. */
  readonly log?: (line: string) => void
}

const DEFAULT_CONTEXT = 4096

/**
 * Loads a GGUF into this process. Takes a moment and the model's size in memory.
 *
 * @throws EngineError `engine-failed` when it cannot be loaded as asked
 */
export async function startEmbeddedEngine(options: EmbeddedOptions): Promise<EmbeddedEngine> {
  const { modelPath, threads = 1, gpu = false } = options
  await checkWeights(modelPath)
  let loading = true
  let llama: Llama | undefined
  try {
    llama = await getLlama({
      gpu,
      build: 'never',
      skipDownload: true,
      progressLogs: false,
      maxThreads: threads,
      logLevel: LlamaLogLevel.error,
      logger: (_level, line) => {
        if (loading) options.log?.(line)
      },
    })
    const model = await llama.loadModel({ modelPath })
    const contextSize = options.contextSize ?? Math.min(DEFAULT_CONTEXT, model.trainContextSize)
    if (contextSize > model.trainContextSize) {
      throw new EngineError('engine-failed', `the model was trained for ${model.trainContextSize} tokens of context`)
    }
    const prompt = chatPromptFor(model)
    const context = await model.createContext({ sequences: options.slots, contextSize, threads })
    sampleInTurn(context)
    return new EmbeddedEngine({ llama, model, context, prompt, contextSize }, options)
  } catch (error) {
    await llama?.dispose()
    if (error instanceof EngineError) throw error
    throw new EngineError(
      'engine-failed',
      `cannot load ${modelPath}: ${error instanceof Error ? error.message : 'unknown reason'}`,
    )
  } finally {
    loading = false
  }
}

interface Loaded {
  readonly llama: Llama
  readonly model: LlamaModel
  readonly context: LlamaContext
  readonly prompt: ChatPrompt
  readonly contextSize: number
}

/** Jobs run side by side as sequences of one context: every step computes one token for each of them. */
export class EmbeddedEngine implements Engine {
  readonly kind = 'embedded'
  readonly slots: number
  readonly #loaded: Loaded
  readonly #modelId: string
  readonly #randomSeed: () => number
  readonly #free: SequenceSlots
  readonly #closing = new AbortController()
  /** Sequences that still end a step nobody waits for. */
  readonly #settling = new Set<Promise<void>>()

  constructor(loaded: Loaded, options: EmbeddedOptions) {
    this.#loaded = loaded
    this.slots = options.slots
    this.#modelId = options.modelId
    this.#randomSeed = options.randomSeed ?? (() => crypto.getRandomValues(new Uint32Array(1))[0] ?? 0)
    this.#free = new SequenceSlots(options.slots)
  }

  async models(): Promise<EngineModel[]> {
    const context = this.#loaded.contextSize
    return [{ id: this.#modelId, context, maxOutput: context - 1 }]
  }

  async *chat(
    request: ChatRequest,
    options: { readonly signal: AbortSignal },
  ): AsyncGenerator<EngineEvent, void, void> {
    const signal = AbortSignal.any([options.signal, this.#closing.signal])
    const { llama, model, context, prompt, contextSize } = this.#loaded
    this.#refuseUnsupported(request)
    const tools = await toolPlan(llama, request)
    const grammar = tools?.forced ? undefined : await answerGrammar(llama, request.response_format)
    const tokens = await promptFor(this.#loaded, request, tools)
    if (!(await this.#free.take(signal))) {
      yield { type: 'end', finishReason: 'cancelled', usage: noUsage }
      return
    }
    // A sequence of its own, gone with the job: no job ever meets another one's state, not even after a failed step.
    const sequence = context.getSequence({ contextShift: { strategy: refuseShift } })
    const generation = generateAnswer(request, {
      model,
      sequence,
      prompt,
      tokens,
      grammar,
      tools,
      contextSize,
      seed: request.seed ?? this.#randomSeed(),
      signal,
    })
    let end: EngineEvent
    try {
      end = yield* generation.events
    } finally {
      const settled = generation
        .settled()
        .then(() => sequence.dispose())
        .catch(() => undefined) // Disposed with its context already.
        .finally(() => {
          this.#free.release()
          this.#settling.delete(settled)
        })
      this.#settling.add(settled)
    }
    yield end
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.allSettled(this.#settling)
    await this.#loaded.llama.dispose()
  }

  #refuseUnsupported(request: ChatRequest): void {
    if (this.#closing.signal.aborted) throw new EngineError('engine-failed', 'the engine is closed')
    if (request.model !== this.#modelId) throw new EngineError('unknown-model', 'this engine runs another model')
  }
}

/** @throws EngineError `context-exceeded` when the messages, the tools and a forced call's beginning do not fit */
async function promptFor(
  { model, prompt, contextSize }: Loaded,
  request: ChatRequest,
  tools: ToolPlan | undefined,
): Promise<Token[]> {
  if (!tools) return prompt.render(request.messages, contextSize)
  const messages = withInstructions(request.messages, tools.instructions)
  if (!tools.forced) return prompt.render(messages, contextSize)
  const opening = model.tokenize(`${CALL_OPEN}\n`, false)
  // One more, for the end of a thought.
  const tokens = await prompt.render(messages, contextSize - opening.length - 1)
  const unthink = opensThought(prompt, tokens) && prompt.thought ? [prompt.thought.close] : []
  return [...tokens, ...unthink, ...opening]
}

/** The length of an answer is checked before; dropping the beginning of a conversation in silence is never right. */
function refuseShift(): never {
  throw new EngineError('engine-failed', 'the context overflowed')
}
