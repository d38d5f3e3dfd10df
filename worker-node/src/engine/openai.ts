import { createParser } from 'eventsource-parser'
import * as v from 'valibot'
import type { ChatRequest } from './chat-request.ts'
import {
  type Engine,
  EngineError,
  type EngineEvent,
  type EngineModel,
  type FinishReason,
  noUsage,
  type Usage,
} from './engine.ts'
import { EngineSlots } from './engine-slots.ts'
import { engineComplaint, readStreamEvent } from './openai-stream.ts'
import { newCallId, ToolCallOrder } from './tool-call-order.ts'

export interface OpenAiOptions {
  /** `http://127.0.0.1:8000`, with or without `/v1`. */
  readonly baseUrl: string
  readonly apiKey?: string
  /** Milliseconds of silence after which a request is given up; covers the wait for the first token. */
  readonly idleMs: number
  /** `auto`: as many as the engine says (llama-server), or eight, until it says that it has no room. */
  readonly slots: number | 'auto'
  /** Tokens of context, for engines that do not say (Ollama); a lower bound for those that do. */
  readonly contextSize?: number
  /** Sends a fresh `cache_salt` with every request, so that no request can meet another one's cached prefix. vLLM only. */
  readonly cacheSalt?: boolean
  /** Asks for usage with every chunk, so that a cancelled answer is counted exactly. vLLM and SGLang only. */
  readonly continuousUsage?: boolean
  /** Allows an engine on another machine. Prompts then leave this one: never on a private node. */
  readonly allowRemote?: boolean
  readonly random?: (bytes: number) => Uint8Array
  /** Milliseconds. */
  readonly monotonic?: () => number
}

/** Slots of an engine that does not say how many it has. */
const AUTO_SLOTS = 8

/** Bytes of one event, and of one plain answer, that are read before an engine counts as broken. */
const MAX_EVENT = 4 * 1024 * 1024
const MAX_BODY = 4 * 1024 * 1024
const SALT_BYTES = 16
/** Milliseconds. */
const PROPS_PATIENCE = 2_000

const Models = v.object({
  data: v.array(
    v.object({
      id: v.string(),
      /** vLLM and SGLang. */
      max_model_len: v.nullish(v.pipe(v.number(), v.safeInteger(), v.minValue(1))),
      /** llama-server: the context of one slot. */
      meta: v.nullish(v.object({ n_ctx: v.nullish(v.pipe(v.number(), v.safeInteger(), v.minValue(1))) })),
    }),
  ),
})

/** llama-server's `/props`. */
const Props = v.object({ total_slots: v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(256)) })

/** Any server that speaks OpenAI's chat completions: llama-server, vLLM, SGLang, Ollama. */
export class OpenAiEngine implements Engine {
  readonly kind = 'openai'
  readonly #slots: EngineSlots
  readonly #base: string
  readonly #options: OpenAiOptions
  readonly #random: (bytes: number) => Uint8Array
  readonly #closing = new AbortController()
  #running = 0
  #asked = false

  /** @throws RangeError for a base URL that is none, holds credentials, or points to another machine without `allowRemote` */
  constructor(options: OpenAiOptions) {
    const slots = options.slots === 'auto' ? AUTO_SLOTS : options.slots
    this.#slots = new EngineSlots(slots, options.monotonic ?? (() => performance.now()))
    this.#options = options
    this.#base = apiBase(options.baseUrl, options.allowRemote ?? false)
    this.#random = options.random ?? ((bytes) => crypto.getRandomValues(new Uint8Array(bytes)))
  }

  get slots(): number {
    return this.#slots.now
  }

  async models(): Promise<EngineModel[]> {
    await this.#learnSlots()
    const exchange = new Exchange(this.#options.idleMs, [this.#closing.signal])
    try {
      const response = await exchange.send(`${this.#base}/models`, { headers: this.#headers() })
      const models = v.safeParse(Models, await exchange.json(response))
      if (!models.success) throw new EngineError('engine-failed', 'the engine does not list its models')
      return models.output.data.filter(({ id }) => !isCloudModel(id)).map((model) => this.#describe(model))
    } finally {
      exchange.end()
    }
  }

  async *chat(
    request: ChatRequest,
    options: { readonly signal: AbortSignal },
  ): AsyncGenerator<EngineEvent, void, void> {
    if (isCloudModel(request.model)) throw new EngineError('unknown-model', 'this model runs on other machines')
    const count = new DeltaCount()
    const calls = new ToolCallOrder(newCallId)
    const cancelled = (): EngineEvent => ({ type: 'end', finishReason: 'cancelled', usage: count.usage })
    if (options.signal.aborted) {
      yield cancelled()
      return
    }
    const exchange = new Exchange(this.#options.idleMs, [options.signal, this.#closing.signal])
    let finishReason: FinishReason | undefined
    this.#running += 1
    try {
      const response = await exchange.send(`${this.#base}/chat/completions`, {
        method: 'POST',
        headers: { ...this.#headers(), 'content-type': 'application/json', accept: 'text/event-stream' },
        body: JSON.stringify(this.#body(request)),
      })
      for await (const data of exchange.events(response)) {
        const piece = readStreamEvent(data)
        if (piece.usage) count.reported = piece.usage
        finishReason = piece.finishReason ?? finishReason
        for (const { index, delta } of piece.deltas) {
          count.add(delta)
          const toolCalls = delta.toolCalls?.map((call) => calls.number(call))
          yield { type: 'delta', index, delta: toolCalls ? { ...delta, toolCalls } : delta }
        }
      }
    } catch (error) {
      if (error instanceof EngineError && error.code === 'engine-busy') this.#slots.busy(this.#running)
      if (!options.signal.aborted) throw error
      // Not even the error of a torn connection matters any more: whoever asked has gone.
      finishReason = 'cancelled'
    } finally {
      this.#running -= 1
      exchange.end()
    }
    if (options.signal.aborted) {
      yield cancelled()
      return
    }
    if (!count.reported) {
      throw new EngineError(
        'engine-failed',
        'the engine reports no usage: it must support stream_options.include_usage',
      )
    }
    if (!finishReason) throw new EngineError('truncated', 'the engine ended the answer without a finish reason')
    if (finishReason === 'stop' && !calls.called && isForced(request)) {
      // Ollama knows no tool_choice. An answer in words would be paid for, and of no use to a program that waits for a call.
      throw new EngineError('engine-failed', 'the engine did not call the tool that the request chose')
    }
    // Some say `stop` when the call was forced, or whenever the model ended by itself.
    const reason = finishReason === 'stop' && calls.called ? 'tool_calls' : finishReason
    yield { type: 'end', finishReason: reason, usage: count.reported }
  }

  async close(): Promise<void> {
    this.#closing.abort(new EngineError('engine-failed', 'the engine is closed'))
  }

  /** Once: an engine that has no such door says 404, which means nothing. */
  async #learnSlots(): Promise<void> {
    if (this.#options.slots !== 'auto' || this.#asked) return
    this.#asked = true
    const exchange = new Exchange(PROPS_PATIENCE, [this.#closing.signal])
    try {
      const response = await exchange.send(`${this.#base.slice(0, -'/v1'.length)}/props`, { headers: this.#headers() })
      const props = v.safeParse(Props, await exchange.json(response))
      if (props.success) this.#slots.learn(props.output.total_slots)
    } catch {
      // The list of models, asked for next, says what is wrong with an engine that is not there.
    } finally {
      exchange.end()
    }
  }

  /** Only fields of a validated request, which holds no field that is not listed there, and the node's own. */
  #body(request: ChatRequest) {
    return {
      ...request,
      stream: true,
      stream_options: { include_usage: true, ...(this.#options.continuousUsage && { continuous_usage_stats: true }) },
      ...(this.#options.cacheSalt && { cache_salt: Buffer.from(this.#random(SALT_BYTES)).toString('base64url') }),
    }
  }

  #headers(): Record<string, string> {
    return this.#options.apiKey === undefined ? {} : { authorization: `Bearer ${this.#options.apiKey}` }
  }

  #describe({ id, max_model_len: length, meta }: v.InferOutput<typeof Models>['data'][number]): EngineModel {
    const { contextSize } = this.#options
    const stated = length ?? meta?.n_ctx
    const context = Math.min(stated ?? contextSize ?? 0, contextSize ?? stated ?? 0)
    if (context === 0) throw new EngineError('engine-failed', 'the engine does not state its context: set contextSize')
    return { id, context, maxOutput: context - 1 }
  }
}

/** One HTTP exchange with the engine: ends by itself when the engine is silent for too long, or when one of the signals says so. */
class Exchange {
  readonly #idleMs: number
  readonly #controller = new AbortController()
  readonly #signal: AbortSignal
  #timedOut = false

  constructor(idleMs: number, signals: readonly AbortSignal[]) {
    this.#idleMs = idleMs
    this.#signal = AbortSignal.any([this.#controller.signal, ...signals])
  }

  /** @throws EngineError for no answer, or one that is not 2xx */
  async send(url: string, init: RequestInit): Promise<Response> {
    // A redirect would carry the prompt to wherever the engine says.
    const response = await this.#inTime(
      fetch(url, { ...init, redirect: 'error', signal: this.#signal }),
      'engine-unreachable',
    )
    if (response.ok) return response
    throw engineComplaint(response.status, await this.json(response).catch(() => undefined))
  }

  /** @throws EngineError `engine-failed` for a body that is not JSON or too long */
  async json(response: Response): Promise<unknown> {
    let text = ''
    for await (const piece of this.#texts(response)) {
      text += piece
      if (text.length > MAX_BODY) throw new EngineError('engine-failed', 'the engine answers too much')
    }
    try {
      return JSON.parse(text)
    } catch {
      throw new EngineError('engine-failed', 'the engine answers something else than JSON')
    }
  }

  /** @throws EngineError `truncated` when the stream ends before its `[DONE]` */
  async *events(response: Response): AsyncGenerator<string, void, void> {
    const waiting: string[] = []
    let broken = false
    const parser = createParser({
      maxBufferSize: MAX_EVENT,
      onEvent: ({ data }) => waiting.push(data),
      onError: ({ type }) => {
        // Fields that the event-stream format does not know are to be ignored, says its specification.
        if (type === 'max-buffer-size-exceeded') broken = true
      },
    })
    for await (const text of this.#texts(response)) {
      parser.feed(text)
      for (const data of waiting.splice(0)) {
        if (data === '[DONE]') return
        yield data
      }
      if (broken) throw new EngineError('engine-failed', 'the engine streams too long an event')
    }
    throw new EngineError('truncated', 'the engine ended the stream before [DONE]')
  }

  /** Closes the connection if the engine still talks. */
  end(): void {
    this.#controller.abort()
  }

  async *#texts(response: Response): AsyncGenerator<string, void, void> {
    const reader = response.body?.getReader()
    if (!reader) return
    const decoder = new TextDecoder()
    for (;;) {
      const { done, value } = await this.#inTime(reader.read(), 'truncated')
      if (done) return
      yield decoder.decode(value, { stream: true })
    }
  }

  /** The clock runs while the engine is waited for, not while the consumer is. */
  async #inTime<Value>(step: Promise<Value>, otherwise: 'engine-unreachable' | 'truncated'): Promise<Value> {
    const clock = setTimeout(() => {
      this.#timedOut = true
      this.#controller.abort()
    }, this.#idleMs)
    try {
      return await step
    } catch {
      if (this.#timedOut) throw new EngineError('timeout', `the engine was silent for ${this.#idleMs} ms`)
      if (this.#signal.aborted && this.#signal.reason instanceof EngineError) throw this.#signal.reason
      throw new EngineError(
        otherwise,
        otherwise === 'truncated' ? 'the connection to the engine broke' : 'no connection to the engine',
      )
    } finally {
      clearTimeout(clock)
    }
  }
}

/** The usage of an answer whose engine did not get to report it: one token for each delta, which is what engines send. */
class DeltaCount {
  reported: Usage | undefined
  #completion = 0
  #reasoning = 0

  add(delta: { readonly reasoning?: string }): void {
    if (delta.reasoning === undefined) this.#completion++
    else this.#reasoning++
  }

  get usage(): Usage {
    return this.reported ?? { ...noUsage, completion: this.#completion, reasoning: this.#reasoning }
  }
}

function isForced({ tool_choice: choice }: ChatRequest): boolean {
  return choice === 'required' || typeof choice === 'object'
}

/** Ollama lists models that it passes on to its makers' servers. */
function isCloudModel(id: string): boolean {
  return /[:-]cloud$/i.test(id)
}

function apiBase(baseUrl: string, allowRemote: boolean): string {
  if (!URL.canParse(baseUrl)) throw new RangeError('the engine address is not a URL')
  const url = new URL(baseUrl)
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new RangeError('the engine address is not an http(s) URL')
  if (url.username || url.password) throw new RangeError('the engine address holds credentials: use apiKey')
  if (!allowRemote && !isLoopback(url.hostname)) {
    throw new RangeError(
      'the engine is on another machine, where this one cannot vouch for it: allowRemote permits that',
    )
  }
  const path = url.pathname.replace(/\/+$/, '')
  return `${url.origin}${path.endsWith('/v1') ? path : `${path}/v1`}`
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}
