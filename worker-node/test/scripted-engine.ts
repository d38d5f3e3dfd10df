import type { ChatRequest } from '../src/engine/chat-request.ts'
import type { Delta, Engine, EngineEvent, EngineModel, FinishReason, Usage } from '../src/engine/engine.ts'
import { MODEL } from './terms.ts'

export const USAGE: Usage = { prompt: 7, cached: 3, completion: 11, reasoning: 2 }

/** What an engine does next: say something, wait for a promise, or fail. */
export type Step = EngineEvent | Promise<unknown> | Error

export const says = (delta: Delta | string, index = 0): Step => {
  return { type: 'delta', index, delta: typeof delta === 'string' ? { content: delta } : delta }
}
export const ends = (finishReason: FinishReason = 'stop', usage: Usage = USAGE): Step => {
  return { type: 'end', finishReason, usage }
}

/** An engine that plays a script for every request, and keeps the contract of the interface unless told to be deaf. */
export class ScriptedEngine implements Engine {
  readonly kind = 'openai'
  readonly slots: number
  /** Ignores aborts. */
  readonly deaf: boolean
  readonly requests: ChatRequest[] = []
  running = 0
  most = 0
  aborted = 0
  readonly #script: (request: ChatRequest) => readonly Step[]

  constructor(script: (request: ChatRequest) => readonly Step[], { slots = 4, deaf = false } = {}) {
    this.#script = script
    this.slots = slots
    this.deaf = deaf
  }

  async models(): Promise<EngineModel[]> {
    return [{ id: MODEL, context: 4096, maxOutput: 1024 }]
  }

  async *chat(request: ChatRequest, { signal }: { readonly signal: AbortSignal }): AsyncGenerator<EngineEvent, void> {
    this.requests.push(request)
    this.running += 1
    this.most = Math.max(this.most, this.running)
    try {
      for (const step of this.#script(request)) {
        if (step instanceof Promise) await (this.deaf ? step : Promise.race([step, abortOf(signal)]))
        if (signal.aborted && !this.deaf) {
          this.aborted += 1
          yield { type: 'end', finishReason: 'cancelled', usage: USAGE }
          return
        }
        if (step instanceof Error) throw step
        if (!(step instanceof Promise)) yield step
      }
    } finally {
      this.running -= 1
    }
  }

  async close(): Promise<void> {
    await Promise.resolve()
  }
}

function abortOf(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
