import {
  LlamaGrammarEvaluationState,
  type LlamaContextSequence,
  type LlamaModel,
  type SequenceEvaluateOptions,
  type Token,
} from 'node-llama-cpp'
import type { AnswerGrammar } from './answer-grammar.ts'
import { StopScanner, TokenText } from './answer-text.ts'
import { type ChatPrompt, opensThought } from './chat-prompt.ts'
import type { ChatRequest } from './chat-request.ts'
import { type Delta, EngineError, type EngineEvent, type FinishReason } from './engine.ts'
import { newCallId } from './tool-call-order.ts'
import { ToolCallText } from './tool-call-text.ts'
import type { ToolPlan } from './tool-plan.ts'

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
  /** With a forced call the prompt ends with the mark that opens it. */
  readonly tools: ToolPlan | undefined
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
  const { sequence, signal } = input
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
    const { tokens, contextSize } = input
    const answer = new Answer(input, [...(request.stop ?? []), ...endTexts(input)])
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
      if (finished) return end(answer.called ? 'tool_calls' : 'stop')
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
  readonly #calls: ToolCallText | undefined
  readonly #forced: boolean
  #thinking: boolean
  #thoughts = 0
  #content = ''
  #reasoning = ''

  constructor({ model, prompt, tokens, tools }: GenerationInput, stops: readonly string[]) {
    this.#model = model
    this.#prompt = prompt
    this.#text = new TokenText(model)
    this.#stops = new StopScanner(stops)
    this.#forced = tools?.forced ?? false
    this.#calls = tools && new ToolCallText(newCallId, tools.forced)
    this.#thinking = !this.#forced && opensThought(prompt, tokens)
  }

  get thinking(): boolean {
    return this.#thinking
  }

  /** The number of the tool call that is being written. */
  get writing(): number | undefined {
    return this.#calls?.writing
  }

  /** True when it calls a tool. */
  get called(): boolean {
    return (this.#calls?.count ?? 0) > 0
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
    return this.#stops.stopped || (this.#forced && this.called && (this.#calls?.closed ?? false))
  }

  /** What can be shown and was not yet. */
  take(): Delta | undefined {
    const [content, reasoning, toolCalls] = [this.#content, this.#reasoning, this.#calls?.take() ?? []]
    this.#content = ''
    this.#reasoning = ''
    const called = toolCalls.length > 0
    if (!content && !reasoning && !called) return undefined
    return { ...(content && { content }), ...(reasoning && { reasoning }), ...(called && { toolCalls }) }
  }

  /** The rest, when no more tokens come. A character cut in the middle is not part of the text. */
  finish(): Delta | undefined {
    // A forced call that was cut is no text for anyone.
    if (!this.#forced) this.#content += this.#stops.push(this.#calls?.flush() ?? '')
    this.#content += this.#stops.flush()
    return this.take()
  }

  #add(text: string): void {
    // Stop strings are about the answer; a thought may well mention one.
    if (this.#thinking) this.#reasoning += text
    else this.#content += this.#stops.push(this.#calls ? this.#calls.push(text) : text)
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
    ...((input.grammar || input.tools) && { grammarEvaluationState: grammarOf(input, answer) }),
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

/** What holds the next token: nothing in a thought, a call's grammar in a call, the answer's own elsewhere. */
function grammarOf({ model, grammar, tools }: GenerationInput, answer: Answer) {
  const shape = grammar && new LlamaGrammarEvaluationState({ model, grammar: grammar.grammar })
  let call: { readonly number: number; readonly state: LlamaGrammarEvaluationState } | undefined
  return (): LlamaGrammarEvaluationState | undefined => {
    if (answer.thinking) return undefined
    const { writing } = answer
    if (writing === undefined || !tools) return shape
    if (call?.number !== writing) {
      call = { number: writing, state: new LlamaGrammarEvaluationState({ model, grammar: tools.grammar }) }
    }
    return call.state
  }
}
