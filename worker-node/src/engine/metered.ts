import type { Meter } from '../meter.ts'
import type { ChatRequest } from './chat-request.ts'
import { type Engine, EngineError, type EngineEvent, type EngineModel } from './engine.ts'

/** Counts what an engine does, and changes nothing about it. Names, times and numbers; never what was said. */
export class MeteredEngine implements Engine {
  readonly kind: Engine['kind']
  readonly #engine: Engine
  readonly #meter: Meter

  constructor(engine: Engine, meter: Meter) {
    this.kind = engine.kind
    this.#engine = engine
    this.#meter = meter
  }

  get slots(): number {
    return this.#engine.slots
  }

  models(): Promise<EngineModel[]> {
    return this.#engine.models()
  }

  async *chat(
    request: ChatRequest,
    options: { readonly signal: AbortSignal },
  ): AsyncGenerator<EngineEvent, void, void> {
    const { monotonic, models } = this.#meter
    const model = models.get(request.model)
    if (!model) return yield* this.#engine.chat(request, options)
    const began = monotonic()
    let first = true
    // A consumer that stops reading ends it too; only an engine that failed leaves by an error.
    let ended = 'abandoned'
    model.running++
    try {
      for await (const event of this.#engine.chat(request, options)) {
        if (event.type === 'delta') {
          if (first) model.firstToken.add((monotonic() - began) / 1000)
          first = false
          model.addDelta(monotonic())
        } else {
          ended = event.finishReason
          model.addTokens(event.usage, monotonic())
        }
        yield event
      }
    } catch (error) {
      const code = error instanceof EngineError ? error.code : 'engine-failed'
      model.failed.set(code, (model.failed.get(code) ?? 0) + 1)
      ended = 'error'
      throw error
    } finally {
      model.running--
      model.ended.set(ended, (model.ended.get(ended) ?? 0) + 1)
      model.duration.add((monotonic() - began) / 1000)
    }
  }

  close(): Promise<void> {
    return this.#engine.close()
  }
}
