import {
  LlamaGrammarEvaluationState,
  type LlamaContextSequence,
  type LlamaModel,
  type SequenceEvaluateOptions,
  type Token,
} from 'node-llama-cpp'
import type { AnswerGrammar } from './answer-grammar.ts'
import { StopScanner, TokenText } from './answer-text.ts'
import type { ChatPrompt } from './chat-prompt.ts'
import type { ChatRequest } from './chat-request.ts'
import { EngineError, type EngineEvent, type FinishReason } from './engine.ts'

/** Prompt tokens of one step: small enough that other jobs go on between them, and that an abort is noticed. */
const PROMPT_STEP = 256
/** Tokens that the frequency and presence penalties look back on. */
const PENALTY_WINDOW = 256

export interface GenerationInput {
  readonly model: LlamaModel
  /** Fresh: it holds nothing yet. */
  readonly sequence: LlamaContextSequence
  readonly prompt: ChatPrompt
  /** The rendered prompt, fewer than `contextSize`. */
  readonly tokens: readonly Token[]
  readonly grammar: AnswerGrammar | undefined
  readonly contextSize: number
  readonly seed: number
  readonly signal: AbortSignal
}

export interface Generation {
  /** Yields deltas, returns the end. */
  readonly events: AsyncGenerator<EngineEvent, EngineEvent, void>
  /** Resolves when no step is running any more and the sequence can be disposed; never rejects. */
  settled(): Promise<void>
}

const aborted = Symbol('aborted')

/** One answer, token by token. An abort takes effect at once, without waiting for the step that runs. */
export function generateAnswer(request: ChatRequest, input: GenerationInput): Generation {
  const { model, sequence, signal } = input
  let running: Promise<unknown> = Promise.resolve()
  let sampled: ReturnType<LlamaContextSequence['evaluate']> | undefined

  /** One listener a step instead of a race against one lasting promise, which would keep every step in memory. */
  function orAbort<Value>(step: Promise<Value>): Promise<Value | typeof aborted> {
    running = step
    return new Promise((resolve, reject) => {
      const onAbort = (): void => resolve(aborted)
      if (signal.aborted) onAbort()
      else signal.addEventListener('abort', onAbort, { once: true })
      step
        .then(resolve, () => reject(new EngineError('engine-failed', 'llama.cpp failed to compute a step')))
        .finally(() => signal.removeEventListener('abort', onAbort))
    })
  }

  async function* events(): AsyncGenerator<EngineEvent, EngineEvent, void> {
    const { tokens, prompt, contextSize } = input
    const answer = new Answer(model, prompt, [...(request.stop ?? []), ...endTexts(input)], tokens)
    const most = Math.min(request.max_tokens ?? contextSize, contextSize - tokens.length)
    let evaluated = 0
    const end = (finishReason: FinishReason): EngineEvent => ({
      type: 'end',
      finishReason,
      usage: { prompt: evaluated, cached: 0, ...answer.usage },
    })
    if (signal.aborted) return end('cancelled')
    if (most === 0) return end('length')

    // The last token is left to the sampler: an answer begins where the prompt was read to its end.
    const head = tokens.length - 1
    for (let start = 0; start < head; start += PROMPT_STEP) {
      const step = tokens.slice(start, Math.min(start + PROMPT_STEP, head))
      if ((await orAbort(sequence.evaluateWithoutGeneratingNewTokens(step))) === aborted) return end('cancelled')
      evaluated += step.length
    }
    sampled = sequence.evaluate(tokens.slice(head), samplingOptions(request, input, answer))
    for (;;) {
      const step = await orAbort(sampled.next())
      if (step === aborted) return end('cancelled')
      if (step.done) throw new EngineError('engine-failed', 'llama.cpp ended an answer without an end token')
      evaluated = tokens.length
      const finished = answer.push(step.value)
      const full = !finished && answer.tokens.length >= most
      const delta = finished || full ? answer.finish() : answer.take()
      if (delta) yield { type: 'delta', index: 0, delta }
      if (signal.aborted) return end('cancelled')
      if (finished) return end('stop')
      if (full) return end('length')
    }
  }

  return {
    events: events(),
    async settled() {
      await running.catch(() => undefined)
      await sampled?.return().catch(() => undefined)
    },
  }
}

/** The answer so far: its tokens by class, and the text that can be shown. */
class Answer {
  readonly tokens: Token[] = []
  readonly #model: LlamaModel
  readonly #prompt: ChatPrompt
  readonly #text: TokenText
  readonly #stops: StopScanner
  #thinking: boolean
  #thoughts = 0
  #content = ''
  #reasoning = ''

  constructor(model: LlamaModel, prompt: ChatPrompt, stops: readonly string[], promptTokens: readonly Token[]) {
    this.#model = model
    this.#prompt = prompt
    this.#text = new TokenText(model)
    this.#stops = new StopScanner(stops)
    // Some templates open the thought themselves, with the last words of the prompt.
    const { thought } = prompt
    this.#thinking =
      thought !== undefined && (thought.open === undefined || promptTokens.slice(-3).includes(thought.open))
  }

  /** The end token, and the tokens of a stop string, are completion tokens like any other. */
  get usage(): { completion: number; reasoning: number } {
    return { completion: this.tokens.length - this.#thoughts, reasoning: this.#thoughts }
  }

  /** True when the answer ends with this token. */
  push(token: Token): boolean {
    this.tokens.push(token)
    const { thought, endTokens } = this.#prompt
    if (thought && (token === thought.open || token === thought.close)) {
      this.#thoughts++
      this.#add(this.#text.flush())
      this.#thinking = token === thought.open
      return false
    }
    if (this.#thinking) this.#thoughts++
    if (this.#model.isEogToken(token) || endTokens.has(token)) {
      this.#add(this.#text.flush())
      return true
    }
    this.#add(this.#text.push(token))
    return this.#stops.stopped
  }

  /** What can be shown and was not yet. */
  take(): { content?: string; reasoning?: string } | undefined {
    const [content, reasoning] = [this.#content, this.#reasoning]
    this.#content = ''
    this.#reasoning = ''
    if (!content && !reasoning) return undefined
    return { ...(content && { content }), ...(reasoning && { reasoning }) }
  }

  /** The rest, when no more tokens come. A character cut in the middle is not part of the text. */
  finish(): ReturnType<Answer['take']> {
    this.#content += this.#stops.flush()
    return this.take()
  }

  #add(text: string): void {
    // Stop strings are about the answer; a thought may well mention one.
    if (this.#thinking) this.#reasoning += text
    else this.#content += this.#stops.push(text)
  }
}

function endTexts({ prompt, grammar }: GenerationInput): readonly string[] {
  return grammar?.endText === undefined ? prompt.endTexts : [...prompt.endTexts, grammar.endText]
}

function samplingOptions(request: ChatRequest, input: GenerationInput, answer: Answer): SequenceEvaluateOptions {
  const { frequency_penalty: frequencyPenalty = 0, presence_penalty: presencePenalty = 0 } = request
  return {
    temperature: request.temperature ?? 1,
    // OpenAI's parameters know no top-k: the whole vocabulary takes part.
    topK: 0,
    topP: request.top_p ?? 1,
    // The sampler's seed has 32 bits.
    seed: Number(BigInt.asUintN(32, BigInt(input.seed))),
    yieldEogToken: true,
    ...(input.grammar && {
      grammarEvaluationState: new LlamaGrammarEvaluationState({ model: input.model, grammar: input.grammar.grammar }),
    }),
    ...((frequencyPenalty !== 0 || presencePenalty !== 0) && {
      repeatPenalty: {
        punishTokens: () => answer.tokens.slice(-PENALTY_WINDOW),
        maxPunishTokens: PENALTY_WINDOW,
        penalty: 1,
        frequencyPenalty,
        presencePenalty,
      },
    }),
  }
}
